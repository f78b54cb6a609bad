"""All arms against the baseline: arms in rows, sorted by effect, questions in columns, one scale for each column."""

from __future__ import annotations

import math

from droplab.report.figures.canvas import SMALL, TEXT, Canvas
from droplab.report.figures.frames import difference_ticks, intervals, marks_explained
from droplab.report.figures.lettering import folded, width
from droplab.report.figures.reading import Reading, places_of, read
from droplab.report.figures.scales import Scale, effects_scale
from droplab.report.figures.sheet import Line, Sheet

_ROW = 18.0
_COLUMN = 104.0
"""Pixels that a column needs; with less room the columns go on beneath."""
_GAP = 14.0


def draw(sheet: Sheet, canvas: Canvas, _part: str = "") -> None:
    """Draw the table, in as many parts as the width wants."""
    lines = [line for line in sheet.lines if line.role != "rise"]
    order = sorted(sheet.others, key=lambda arm: _rank(lines[0], sheet.reading(lines[0], arm)))
    names = min(max(width(arm, TEXT, bold=arm == sheet.arm) for arm in order) + 1, canvas.room * 0.3)
    fit = max(1, int((canvas.room - names) // (_COLUMN + _GAP)))
    parts = math.ceil(len(lines) / fit)
    fit = math.ceil(len(lines) / parts)
    room = (canvas.room - names) / fit - _GAP
    y, says = canvas.left, list[str]()
    for first in range(0, len(lines), fit):
        shown = lines[first : first + fit]
        top = _heads(sheet, canvas, y, shown, names, room)
        rows = [top + 26 + place * _ROW for place in range(len(order))]
        for at in rows:
            canvas.line((canvas.left, at), (canvas.right, at), canvas.theme.grid)
        for arm, at in zip(order, rows, strict=True):
            canvas.text(canvas.left, at + 13, arm, fill=canvas.theme.ink, bold=arm == sheet.arm, room=names)
        for place, line in enumerate(shown):
            left = canvas.left + names + _GAP + place * (room + _GAP)
            says += _column(sheet, canvas, line, order, left, room, top)
        y = top + 26 + len(order) * _ROW + 14
    y = canvas.prose(canvas.left, y - 6, sheet.say("figure.difference", baseline=sheet.baseline, unit=""), canvas.room,
                     size=SMALL, most=2)  # fmt: skip
    more = [sheet.say("figure.thick"), sheet.say("figure.thin"), sheet.say("figure.seeds")]
    marks_explained(canvas, sheet, y + 2, says, more)


def _rank(line: Line, figure: Reading) -> float:
    """The best first; what has no number last."""
    return -line.better * figure.mean if math.isfinite(figure.mean) else math.inf


def _heads(sheet: Sheet, canvas: Canvas, top: float, lines: list[Line], names: float, room: float) -> float:
    titles = [f"{sheet.title(line)}{sheet.unit(line.unit)}" for line in lines]
    folds = [folded(title, room, SMALL, most=4, bold=True) for title in titles]
    high = max(map(len, folds)) * SMALL * 1.35
    for place, (title, lines_of) in enumerate(zip(titles, folds, strict=True)):
        left = canvas.left + names + _GAP + place * (room + _GAP)
        begin = top + high - len(lines_of) * SMALL * 1.35
        canvas.prose(left, begin, title, room, size=SMALL, fill=canvas.theme.ink, bold=True, most=4)
    return top + high


def _column(
    sheet: Sheet, canvas: Canvas, line: Line, order: list[str], left: float, room: float, top: float
) -> list[str]:
    theme = canvas.theme
    figures = [sheet.reading(line, arm) for arm in order]
    digits = sorted(places_of(figure, line.unit) for figure in figures)[len(figures) // 2]  # one number for a column
    said = [read(figure, line.unit, digits).mean.removesuffix(" pp") for figure in figures]
    numbers = max(width(text, SMALL) for text in said)
    right = left + room - numbers - 8
    scale = effects_scale(figures).on(left + 3, right - 3)
    bottom = top + 26 + len(order) * _ROW
    _axis(sheet, canvas, line, scale, top)
    canvas.line((scale(0.0), top + 26), (scale(0.0), bottom), theme.soft, dash=(2, 2))
    margin = figures[0].margin
    if margin is not None:
        for edge in (-margin, margin):
            if not scale.beyond(edge):
                canvas.line((scale(edge), top + 26), (scale(edge), bottom), theme.soft, dash=(1, 3))
    heights = [top + 26 + (place + 0.5) * _ROW for place in range(len(order))]
    for arm, figure, y in zip(order, figures, heights, strict=True):
        seeds = [sheet.apart(line, arm, seed) for seed in figure.seeds]
        canvas.dots([(scale(value), y) for value in seeds if math.isfinite(value)], theme.soft)
    intervals(canvas, scale, list(zip(heights, figures, strict=True)), size=2.8)
    for text, figure, y in zip(said, figures, heights, strict=True):
        canvas.text(left + room, y + 3, text, size=SMALL, anchor="end", fill=theme.of(figure.shown))
    return [figure.shown for figure in figures]


def _axis(sheet: Sheet, canvas: Canvas, line: Line, scale: Scale, top: float) -> None:
    """Zero, the outermost round numbers, and which side is the better one."""
    found = [one for one in difference_ticks(scale, line.unit, 3) if one.label != "0"]
    ends = {one.value: one for one in (*found[:1], *found[-1:])}.values()
    taken = [(scale(0.0) - 5, scale(0.0) + 5)]
    canvas.text(scale(0.0), top + 22, "0", size=SMALL, anchor="middle")
    for one in ends:
        half = width(one.label, SMALL) / 2
        at = min(max(scale(one.value), scale.start - 3 + half), scale.end + 3 - half)
        if all(at + half + 2 < low or at - half - 2 > high for low, high in taken):
            canvas.text(at, top + 22, one.label, size=SMALL, anchor="middle")
            taken.append((at - half, at + half))
    if line.role not in {"val", "deployed"}:
        return
    better, worse = sheet.say("effects.better"), sheet.say("effects.worse")
    right = line.better > 0
    zero, low, high = scale(0.0), scale.start, scale.end
    for words, to_right, fill in ((better, right, canvas.theme.good), (worse, not right, canvas.theme.bad)):
        shown = f"{words} →" if to_right else f"← {words}"
        room = high - zero if to_right else zero - low
        if room > width(shown, SMALL) + 4:
            side = 4 if to_right else -4
            canvas.text(zero + side, top + 11, shown, size=SMALL, fill=fill, anchor="start" if to_right else "end")
            break
