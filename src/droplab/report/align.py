"""Tables in plain text, aligned by what a terminal shows: East Asian characters are two columns wide."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence


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
