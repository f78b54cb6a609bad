"""Tables of the command line: fitted to the terminal, or as plain lines or JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from json import dumps
from typing import Any, NamedTuple

from droplab.align import width, wrap_within
from droplab.cli.terminal import cell, columns, hand_out, say, say_bold

_LEAST = 24
"""Columns that prose needs."""
_GAP = "  "


class Column(NamedTuple):
    """A column: its key in JSON and plain lines, and how it is shown."""

    key: str
    head: str
    number: bool = False
    prose: bool = False
    """Folds where there is little room; other columns are whole, so that they can be copied."""
    spare: bool = False
    """Is left out where there is no room; the last of these first."""


def tell(heads: Sequence[Column], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print a table that fits the terminal, without lines between; where nobody looks, each row is one line.

    Args:
        heads: its columns; one of them may be prose.
        rows: what is shown.
        title: above it.
    """
    if title:
        say(title)
    first, *lines = drawn(heads, rows, columns())
    if first:
        say_bold(first)
    for line in lines:
        say(line)


def drawn(heads: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> list[str]:
    """The lines of a table of at most so many columns, the first its headings; 0 is as many as it takes.

    >>> drawn([Column("a", "arm", prose=True), Column("n", "seed", number=True)], [["no dropout", "0"]], 0)
    ['arm         seed', 'no dropout     0']
    """
    shown = [[head.head for head in heads], *([cell(text).plain for text in row] for row in rows)]
    sizes = [max(width(row[at]) for row in shown) for at in range(len(heads))]
    places = list(range(len(heads)))

    def missing(folded: bool) -> int:
        wide = (min(sizes[at], _LEAST) if folded and heads[at].prose else sizes[at] for at in places)
        return sum(wide) + len(_GAP) * (len(places) - 1) - room if room else 0

    while missing(folded=True) > 0 and (extra := [at for at in places if heads[at].spare]):
        places.remove(extra[-1])
    over = missing(folded=False)
    sizes = [max(size - over, min(size, _LEAST)) if head.prose and over > 0 else size
             for size, head in zip(sizes, heads, strict=True)]  # fmt: skip
    return [line for row in shown for line in _lines(heads, row, sizes, places)]


def _lines(heads: Sequence[Column], row: Sequence[str], sizes: Sequence[int], places: Sequence[int]) -> list[str]:
    """A row, whose prose may need several lines."""
    folded = [
        wrap_within(row[at], max(1, sizes[at])) if heads[at].prose and width(row[at]) > sizes[at] else [row[at]]
        for at in places
    ]
    lines = []
    for parts in zip_longest(*folded, fillvalue=""):
        line = ""
        for at, part in zip(places, parts, strict=True):
            pad = " " * (sizes[at] - width(part))
            line += (pad + part if heads[at].number else part + pad) + _GAP
        lines.append(line.rstrip())
    return lines


def hand_rows(heads: Sequence[Column], rows: Sequence[Sequence[Any]], *, json: bool) -> None:
    """Hand a table's values to a program: JSON, a list of objects, or lines of values with tabs between."""
    keys = [head.key for head in heads]
    if json:
        found = [dict(zip(keys, row, strict=True)) for row in rows]
        hand_out(dumps(found, ensure_ascii=False, indent=2) + "\n")
        return
    lines = [keys, *([_flat(value) for value in row] for row in rows)]
    hand_out("".join("\t".join(line) + "\n" for line in lines))


def _flat(value: Any) -> str:
    """A value on a line of its own: no tab and no new line in it."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else dumps(value, ensure_ascii=False)
    return " ".join(cell(text).plain.split("\t"))
