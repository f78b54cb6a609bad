"""When would you stop? The paired difference by the epoch at which training ends."""

from __future__ import annotations

import math

from droplab.report.figures.canvas import SMALL, Canvas
from droplab.report.figures.frames import Tick, caption, difference_ticks, feet, intervals, label_room, rules
from droplab.report.figures.lettering import width
from droplab.report.figures.scales import Point, Scale, differences_scale, whole_ticks
from droplab.report.figures.sheet import Line, Sheet


def lines(sheet: Sheet) -> list[Line]:
    """Questions with a difference at every epoch."""
    return [line for line in sheet.lines if line.role != "rise"]


def main(sheet: Sheet) -> Line:
    """The one that is shown first, as on the page."""
    shown = lines(sheet)
    return next((line for line in sheet.lines if line.role == "val"), shown[0])


def draw(sheet: Sheet, canvas: Canvas, part: str = "") -> None:
    """Draw the difference of one question, named by its endpoint."""
    line = next((one for one in lines(sheet) if one.endpoint == part), None) or main(sheet)
    theme, places = canvas.theme, range(len(sheet.epochs))
    figures = [sheet.described(line, sheet.arm, place) for place in places]
    seeds = [[sheet.apart(line, sheet.arm, seed, place) for place in places] for seed in figures[0].seeds]
    axis = sheet.say("figure.paired", arm=sheet.arm, baseline=sheet.baseline, unit=sheet.unit(line.unit))
    top = caption(canvas, canvas.left, canvas.left, canvas.room, sheet.title(line), axis)
    bottom = top + min(280.0, max(130.0, canvas.room * 0.42))
    y = differences_scale([*(figure.mean for figure in figures), *(v for seed in seeds for v in seed)]).on(bottom, top)
    found = difference_ticks(y, line.unit, 5)
    tested, word = sheet.reading(line), sheet.say("when.tested")
    beside = width(word, SMALL) + 12 if tested.tested and math.isfinite(tested.mean) else 8.0
    left, right = canvas.left + label_room(found), canvas.right - beside
    x = Scale(float(sheet.epochs[0]), float(sheet.epochs[-1]), left, right)
    up = line.better > 0
    canvas.box(left, top if up else y(0.0), right, y(0.0) if up else bottom, theme.good, 0.06)
    rules(canvas, left, right, y, found, zero=True)
    at = [x(float(epoch)) for epoch in sheet.epochs]
    known = [(px, figure) for px, figure in zip(at, figures, strict=True) if math.isfinite(figure.low)]
    canvas.area([(px, y(f.high)) for px, f in known], [(px, y(f.low)) for px, f in known], theme.good, 0.16)
    canvas.curve(*(_points(at, seed, y) for seed in seeds), stroke=theme.good, thick=0.8, opacity=0.4)
    mean = _points(at, [figure.mean for figure in figures], y)
    canvas.curve(mean, stroke=theme.good, thick=2.2)
    _sides(sheet, canvas, mean, (left, right), (top, y(0.0), bottom), up=up)
    if beside > 8:
        middle = right + beside / 2 + 2
        intervals(canvas, y, [(middle, tested)], upright=True, size=3.6)
        canvas.text(middle, bottom + 12, word, size=SMALL, anchor="middle")
    marks = whole_ticks(x.low, x.high, max(2, int((right - left) // 60)))
    ends = sorted({x.low, x.high, *(m for m in marks if x(m) - left > 18 and right - x(m) > 18)})
    feet(canvas, bottom, x, [Tick(epoch, str(int(epoch))) for epoch in ends])
    canvas.text((left + right) / 2, bottom + 25, sheet.say("when.axis"), size=SMALL, anchor="middle")
    canvas.prose(canvas.left, bottom + 32, sheet.say("figure.when.reading"), canvas.room, size=SMALL, most=3)


def _points(at: list[float], values: list[float], y: Scale) -> list[Point | None]:
    return [(px, y(value)) if math.isfinite(value) else None for px, value in zip(at, values, strict=True)]


def _sides(
    sheet: Sheet,
    canvas: Canvas,
    mean: list[Point | None],
    across: tuple[float, float],
    heights: tuple[float, float, float],
    *,
    up: bool,
) -> None:
    """Which half is whose, where there is room to say it: at the end where the line is farther away."""
    (left, right), (top, zero, bottom) = across, heights
    for name, fill in (("better", canvas.theme.good), ("worse", canvas.theme.bad)):
        above = up == (name == "better")
        if (zero - top if above else bottom - zero) <= 22:
            continue
        y = top + 12 if above else bottom - 6
        room = (right - left) * 0.6
        words = sheet.say(f"when.{name}", arm=sheet.arm)
        wide = min(room, width(words, SMALL))
        near = {
            "start": [abs(p[1] - y) for p in mean if p and p[0] < left + 6 + wide],
            "end": [abs(p[1] - y) for p in mean if p and p[0] > right - 12 - wide],
        }
        anchor = max(near, key=lambda end: min(near[end], default=0.0))
        x = left + 6 if anchor == "start" else right - 12
        canvas.text(x, y, words, size=SMALL, fill=fill, room=room, anchor=anchor, halo=True)
