"""What charts share: cells side by side, captions, axes, intervals, and the line that says what the marks mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from droplab.report.figures.canvas import SMALL, Canvas
from droplab.report.figures.lettering import width
from droplab.report.figures.reading import Reading, by, digits, fixed, tick_labels
from droplab.report.figures.scales import Scale, ticks
from droplab.report.figures.sheet import Sheet

GAP = 22.0
"""Pixels between charts side by side."""
_PLACES, _LARGE = 5, 1e6
"""Digits after the point, and size, with which a difference is still read at a glance."""


class Cell(NamedTuple):
    """A place for one chart."""

    place: int
    left: float
    room: float
    last: bool
    """Of its row."""


class Tick(NamedTuple):
    """A number at an axis."""

    value: float
    label: str


def rows_of(canvas: Canvas, count: int, least: float, most: int = 4) -> Iterator[list[Cell]]:
    """Cells of one width in as few rows as they need, each row given at a time.

    Args:
        canvas: what they are on.
        count: how many there are.
        least: pixels that a cell needs.
        most: cells in a row at most.
    """
    fit = max(1, min(count, most, int((canvas.room + GAP) // (least + GAP))))
    lines = math.ceil(count / fit)
    columns = math.ceil(count / lines) if lines else 1
    room = (canvas.room - GAP * (columns - 1)) / columns
    for first in range(0, count, columns):
        row = range(first, min(first + columns, count))
        yield [Cell(place, canvas.left + (place - first) * (room + GAP), room, place == row[-1]) for place in row]


def difference_ticks(scale: Scale, unit: str, count: int = 3) -> list[Tick]:
    """Round differences, with their signs; equally many digits after the point, where these are few."""
    factor = by(unit)
    steps = _several(scale.low * factor, scale.high * factor, count)
    if len(steps) > 1:
        places = max(0, -math.floor(math.log10(steps[1] - steps[0]) + 1e-9))
    else:
        places = digits(math.nan, steps[0])
    labels = tick_labels(steps, signed=True)
    if places <= _PLACES and max(map(abs, steps)) < _LARGE:
        labels = ["0" if value == 0 else fixed(value, places, signed=True) for value in steps]
    return [Tick(value / factor, label) for value, label in zip(steps, labels, strict=True)]


def level_ticks(scale: Scale, unit: str, count: int = 4) -> list[Tick]:
    """Round levels."""
    factor = by(unit)
    values = _several(scale.low * factor, scale.high * factor, count)
    return [Tick(value / factor, label) for value, label in zip(values, tick_labels(values), strict=True)]


def _several(low: float, high: float, count: int) -> list[float]:
    """About so many round values, two at least: one alone is no scale."""
    return next((found for more in range(8) if len(found := ticks(low, high, count + more)) > 1), [low])


def label_room(found: Sequence[Tick]) -> float:
    """Pixels that the numbers at the left of a chart take."""
    return max((width(one.label, SMALL) for one in found), default=0.0) + 6


def rules(canvas: Canvas, left: float, right: float, y: Scale, found: Sequence[Tick], *, zero: bool = False) -> None:
    """Lines across a chart, with their numbers at the left; the one at zero is dashed where that is asked for."""
    for one in found:
        if not (zero and one.label == "0"):
            canvas.line((left, y(one.value)), (right, y(one.value)), canvas.theme.grid)
    if zero:
        canvas.line((left, y(0.0)), (right, y(0.0)), canvas.theme.soft, dash=(4, 3))
    for one in found:
        canvas.text(left - 6, y(one.value) + 3, one.label, size=SMALL, anchor="end")


def feet(canvas: Canvas, y: float, x: Scale, found: Sequence[Tick]) -> float:
    """Numbers under a chart; where they would overlap, the later one is left out. Where the last one ends."""
    end = -math.inf
    for one in found:
        half = width(one.label, SMALL) / 2
        at = max(x(one.value), canvas.left + half)
        if at - half > end:
            canvas.text(at, y + 12, one.label, size=SMALL, anchor="middle")
            end = at + half + 4
    return end


def caption(canvas: Canvas, left: float, top: float, room: float, title: str, below: str = "", most: int = 2) -> float:
    """A chart's name, and what its axis shows; where the chart may begin."""
    bottom = canvas.prose(left, top, title, room, fill=canvas.theme.ink, bold=True, most=most)
    return canvas.prose(left, bottom, below, room, size=SMALL, most=2) + 6 if below else bottom + 4


def lowest(canvas: Canvas, cells: Sequence[Cell], titles: Sequence[str], below: Sequence[str], top: float) -> float:
    """Captions of a row of charts; all charts of the row begin beneath the tallest."""
    return max(caption(canvas, cell.left, top, cell.room, titles[cell.place], below[cell.place]) for cell in cells)


def intervals(
    canvas: Canvas, scale: Scale, figures: Sequence[tuple[float, Reading]], *, upright: bool = False, size: float = 3.2
) -> None:
    """Means with their intervals, thick the plain one, thin the one that decides.

    A mean that is off the scale is an arrow; so is, smaller, an end of an interval.

    Args:
        canvas: what they are drawn on.
        scale: of the numbers; from left to right, or ``upright``.
        figures: each with its place on the other axis.
        upright: whether numbers grow upwards.
        size: of the marks.
    """
    ways = ("down", "up") if upright else ("left", "right")

    def at(place: float, value: float) -> tuple[float, float]:
        return (place, scale(value)) if upright else (scale(value), place)

    shown = [(place, figure, canvas.theme.of(figure.shown)) for place, figure in figures if math.isfinite(figure.mean)]
    for thick, ends in ((1.2, _wide), (3.0, _plain)):
        for place, figure, colour in shown:
            if found := ends(figure):
                canvas.line(at(place, found[0]), at(place, found[1]), colour, thick=thick)
    for place, figure, colour in shown:
        beyond = scale.beyond(figure.mean)
        if beyond:
            canvas.arrow(*at(place, figure.mean), ways[beyond > 0], colour)
            continue
        for end in _wide(figure) or _plain(figure) or ():
            if outside := scale.beyond(end):
                canvas.arrow(*at(place, end), ways[outside > 0], colour, size=2.6)
        canvas.mark(*at(place, figure.mean), figure.shown, size=size)


def _wide(figure: Reading) -> tuple[float, float] | None:
    return figure.wide


def _plain(figure: Reading) -> tuple[float, float] | None:
    return (figure.low, figure.high) if math.isfinite(figure.low) else None


def marks_explained(canvas: Canvas, sheet: Sheet, y: float, says: Sequence[str], more: Sequence[str] = ()) -> float:
    """What shapes and lines mean, in as many lines as that takes; where the next thing may begin."""
    shown = set(says)
    groups = (({"better"}, "better"), ({"worse", "cost"}, "bad"))
    marks = [(next(iter(group & shown)), sheet.say(f"figure.mark.{name}")) for group, name in groups if group & shown]
    if shown - {"better", "worse", "cost"}:
        marks.append(("open", sheet.say("figure.mark.other")))
    x = canvas.left
    for meaning, words in (*marks, *(("", text) for text in more)):
        wide = width(words, SMALL) + (14 if meaning else 0)
        if x > canvas.left and x + wide > canvas.right:
            x, y = canvas.left, y + 13
        if meaning:
            canvas.mark(x + 4, y + 6, meaning, size=2.8)
        begin = x + (12 if meaning else 0)
        canvas.text(begin, y + 9, words, size=SMALL, room=canvas.right - begin + 1)
        x += wide + 14
    return y + 14


def verdict_word(sheet: Sheet, role: str, figure: Reading) -> str:
    """What a reading means, in a word or two."""
    own = f"pill.{role}.{figure.shown}"
    return sheet.say(own if sheet.has(own) else f"pill.{figure.shown}")
