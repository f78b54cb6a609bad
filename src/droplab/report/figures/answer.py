"""The decision, its condition, and each question in a row: difference, intervals, what it means."""

from __future__ import annotations

from typing import NamedTuple

from droplab.analysis import MOST_SEEDS, NO_NUMBER
from droplab.report.figures.canvas import SMALL, TEXT, TITLE, Canvas
from droplab.report.figures.frames import (
    difference_ticks,
    feet,
    intervals,
    marks_explained,
    verdict_word,
)
from droplab.report.figures.lettering import folded, width
from droplab.report.figures.reading import Reading, Said, read
from droplab.report.figures.scales import effects_scale
from droplab.report.figures.sheet import Line, Sheet

_ROW, _NARROW_ROW = 36.0, 52.0
_LEAST = 110.0
"""Pixels that intervals need beside words; with less room they are beneath them."""
_GAP = 16.0


class _Row(NamedTuple):
    line: Line
    figure: Reading
    said: Said
    word: str
    needed: str


class _Places(NamedTuple):
    """Where the columns are."""

    name: float
    """Pixels of the name."""
    left: float
    right: float
    """Of the intervals."""
    numbers: float
    word: float
    beneath: bool
    """The intervals lie beneath the name."""


def draw(sheet: Sheet, canvas: Canvas, _part: str = "") -> None:
    """Draw it."""
    decision = sheet.data["decision"][sheet.lang]
    theme = canvas.theme
    y = canvas.prose(canvas.left, canvas.left, decision["title"], canvas.room, size=TITLE, fill=theme.ink, bold=True)
    y = canvas.prose(canvas.left, y + 2, decision["sentence"], canvas.room, fill=theme.ink, most=6)
    shown = sheet.say("figure.change", baseline=sheet.baseline, arm=sheet.arm)
    y = canvas.prose(canvas.left, y + 6, shown, canvas.room, size=SMALL, most=2) + 6
    rows = [_row(sheet, line) for line in sheet.asked]
    places = _places(canvas, rows)
    units = list(dict.fromkeys(row.line.unit for row in rows))
    for unit in units:
        y = _group(sheet, canvas, y, [row for row in rows if row.line.unit == unit], places) + 8
    y = marks_explained(
        canvas, sheet, y, [row.figure.shown for row in rows], [sheet.say("figure.thick"), sheet.say("figure.thin")]
    )
    seeds = len(rows[0].figure.seeds) if rows else 0
    if seeds > 1:
        tested = sheet.say("answer.tested", epoch=sheet.epochs[-1], seeds=seeds)
        canvas.prose(canvas.left, y, tested, canvas.room, size=SMALL, most=2)


def _row(sheet: Sheet, line: Line) -> _Row:
    figure = sheet.reading(line)
    needed = ""
    if figure.tested and figure.says == "open" and figure.needed is not None:
        if figure.needed == NO_NUMBER:
            needed = sheet.say("pill.never")
        elif figure.needed > MOST_SEEDS:
            needed = sheet.say("pill.many", most=MOST_SEEDS)
        else:
            needed = sheet.say("pill.seeds", seeds=figure.needed)
    return _Row(line, figure, read(figure, line.unit), verdict_word(sheet, line.role, figure), needed)


def _places(canvas: Canvas, rows: list[_Row]) -> _Places:
    numbers = max((max(width(_numbers(row), TEXT), width(row.said.change, SMALL)) for row in rows), default=0.0)
    word = max((max(width(row.word, TEXT, bold=True), width(row.needed, SMALL)) for row in rows), default=0.0)
    word = min(word, canvas.room * 0.3)
    name = min(canvas.room * 0.28, 190.0)
    left = canvas.left + name + _GAP
    right = canvas.right - word - numbers - 2 * _GAP
    if right - left >= _LEAST:
        return _Places(name, left, right, right + _GAP, canvas.right - word, beneath=False)
    numbers = min(numbers, canvas.room * 0.58)
    right = canvas.right - numbers - _GAP
    return _Places(canvas.room - word - _GAP, canvas.left + 4, right, right + _GAP, canvas.right - word, beneath=True)


def _numbers(row: _Row) -> str:
    return f"{row.said.mean} {row.said.interval}".rstrip()


def _group(sheet: Sheet, canvas: Canvas, top: float, rows: list[_Row], places: _Places) -> float:
    """The questions of one unit, on one axis."""
    unit, theme = rows[0].line.unit, canvas.theme
    scale = effects_scale([row.figure for row in rows]).on(places.left, places.right)
    high = _NARROW_ROW if places.beneath else _ROW
    bottom = top + high * len(rows)
    begins = [top + place * high for place in range(len(rows))]
    found = difference_ticks(scale, unit, max(2, int((places.right - places.left) // 60)))
    parts = [(begin + 25, begin + 47) for begin in begins] if places.beneath else [(top, bottom)]
    for begin in begins[1:]:
        canvas.line((canvas.left, begin), (canvas.right, begin), theme.grid)
    for one in sorted(found, key=lambda one: one.label == "0"):
        stroke, dash = (theme.soft, (4, 3)) if one.label == "0" else (theme.grid, ())
        for start, end in parts:
            canvas.line((scale(one.value), start), (scale(one.value), end), stroke, dash=dash)
    for begin, row in zip(begins, rows, strict=True):
        _words(sheet, canvas, begin, row, places)
    middle = 36 if places.beneath else high / 2
    intervals(canvas, scale, [(begin + middle, row.figure) for begin, row in zip(begins, rows, strict=True)])
    canvas.line((places.left, bottom), (places.right, bottom), theme.line)
    at = max(feet(canvas, bottom, scale, found), places.right) + 4
    canvas.text(at, bottom + 12, sheet.unit(unit).strip(" ()"), size=SMALL, room=canvas.right - at)
    return bottom + 16


def _words(sheet: Sheet, canvas: Canvas, top: float, row: _Row, places: _Places) -> None:
    """A question's name, numbers and meaning."""
    theme, title, colour = canvas.theme, sheet.title(row.line), canvas.theme.of(row.figure.shown)
    if places.beneath:
        canvas.text(canvas.left, top + 15, title, fill=theme.ink, room=places.name)
        canvas.text(canvas.right, top + 15, row.word, fill=colour, anchor="end", bold=True)
        y, room = top + 33, canvas.right - places.numbers
    else:
        lines = len(folded(title, places.name, TEXT, most=2))
        canvas.prose(canvas.left, top + (_ROW - lines * TEXT * 1.35) / 2, title, places.name, fill=theme.ink, most=2)
        y, room = top + 16, places.word - _GAP - places.numbers
        canvas.text(places.word, y, row.word, fill=colour, bold=True)
        canvas.text(places.word, y + 12, row.needed, size=SMALL, room=canvas.right - places.word + 1)
    canvas.text(places.numbers, y, _numbers(row), fill=theme.ink, room=room + 1)
    canvas.text(places.numbers, y + 12, row.said.change, size=SMALL, room=room + 1)
