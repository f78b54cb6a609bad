"""Tables in plain text, aligned by what a terminal shows: East Asian characters are two columns wide."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence

_MANY = 6
"""Cells of a row that are read by their column's heading, not each by itself."""


def width(text: str) -> int:
    r"""Columns that a text takes.

    >>> width("loss"), width("損失"), width("e\u0301")
    (4, 4, 1)
    """
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Lines of a table; the first column to the left, numbers to the right.

    >>> table([["損失", "0.1"], ["a", "10"]], indent="")
    ['損失  0.1', 'a      10']
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(width(cell) for cell in column) for column in columns]
    lines = []
    for row in rows:
        cells = [
            cell + " " * (size - width(cell)) if place == 0 else " " * (size - width(cell)) + cell
            for place, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def fitted(rows: Sequence[Sequence[str]], columns: int, indent: str = "  ") -> list[str]:
    """A table of at most so many columns: as it is; or its first cells on lines of their own; or in several parts.

    >>> fitted([["validation loss", "0.1", "better"]], 20, "")
    ['validation loss', '    0.1  better']
    >>> fitted([["arm", "loss", "accuracy"], ["a", "0.1", "0.9"]], 14, "")
    ['arm  loss', 'a     0.1', '', 'arm  accuracy', 'a         0.9']
    """
    lines = table(rows, indent)
    if max(map(width, lines), default=0) <= columns:
        return lines
    beneath = table([["", *row[1:]] for row in rows], indent + "  ")
    if max(map(width, beneath)) <= columns and len(rows[0]) < _MANY:
        return [line for row, rest in zip(rows, beneath, strict=True) for line in (indent + row[0], rest)]
    lines, first, room = [], 1, columns - len(indent)
    widths = [max(width(row[at]) for row in rows) for at in range(len(rows[0]))]
    while first < len(widths):
        last = first + 1
        while last < len(widths) and widths[0] + sum(size + 2 for size in widths[first : last + 1]) <= room:
            last += 1
        lines += [""] if lines else []
        lines += table([[row[0], *row[first:last]] for row in rows], indent)
        first = last
    return lines


def wrap(text: str, columns: int = 100, indent: str = "") -> list[str]:
    """Lines of at most that many columns; Japanese breaks anywhere but before closing punctuation.

    >>> wrap("a b", 1)
    ['a', 'b']
    """
    if width(text) == len(text):
        return textwrap.wrap(text, columns, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    lines, line = [], indent
    for piece in _pieces(text):
        if width(line + piece) > columns and line.strip() and piece[0] not in "、。）」》・ ,.)":
            lines.append(line.rstrip())
            line = indent + piece.lstrip()
        else:
            line += piece
    return [*lines, line]


def wrap_within(text: str, columns: int, indent: str = "") -> list[str]:
    """Lines as of ``wrap``, of which none is wider: there, closing marks of Japanese may stand over the edge.

    >>> wrap("日本語です。", 10), wrap_within("日本語です。", 10)
    (['日本語です。'], ['日本語で', 'す。'])
    """
    lines = wrap(text, columns, indent)
    return lines if all(width(line) <= columns for line in lines) else wrap(text, columns - 2, indent)


def _pieces(text: str) -> list[str]:
    """Words of narrow characters whole, wide characters one by one."""
    pieces: list[str] = []
    for char in text:
        narrow = width(char) < 2 and char != " "
        if pieces and narrow and pieces[-1][-1] != " " and width(pieces[-1][-1]) < 2:
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def markdown(text: str) -> str:
    r"""A text on one line of Markdown, in a cell of a table too: none of its signs means anything.

    >>> print(markdown("<b> | val_loss\n`p`"))
    \<b> \| val\_loss \`p\`
    """
    return re.sub(r"([|\\`*_<\[\]])", r"\\\1", " ".join(text.split()))
