"""Dose and response: each question against the drop rate, all on one axis of p."""

from __future__ import annotations

import math

from droplab.report.figures.canvas import SMALL, Canvas
from droplab.report.figures.frames import (
    Cell,
    Tick,
    difference_ticks,
    feet,
    intervals,
    label_room,
    lowest,
    marks_explained,
    rows_of,
    rules,
)
from droplab.report.figures.reading import read
from droplab.report.figures.scales import Scale, effects_scale
from droplab.report.figures.sheet import SLOPES, Line, Sheet

_HIGH = 130.0


def draw(sheet: Sheet, canvas: Canvas, _part: str = "") -> None:
    """Draw a chart for each question that has levels."""
    lines = [line for line in sheet.lines if line.role in {"deployed", "val", "fit"}][:SLOPES]
    titles = [sheet.title(line) for line in lines]
    below = [_axis(sheet, line) for line in lines]
    y, says = canvas.left, []
    for cells in rows_of(canvas, len(lines), 230, most=2):
        top = lowest(canvas, cells, titles, below, y)
        for cell in cells:
            says += _chart(sheet, canvas, cell, lines[cell.place], top)
        y = top + _HIGH + 44
    marks_explained(canvas, sheet, y - 4, says, [sheet.say("figure.thick"), sheet.say("figure.thin")])


def _chart(sheet: Sheet, canvas: Canvas, cell: Cell, line: Line, top: float) -> list[str]:
    doses, theme = sheet.doses or {}, canvas.theme
    figures = [(doses[arm], sheet.reading(line, arm)) for arm in sorted(sheet.others, key=doses.__getitem__)]
    y = effects_scale([figure for _, figure in figures]).on(top + _HIGH, top)
    found = difference_ticks(y, line.unit, 4)
    left, right = cell.left + label_room(found), cell.left + cell.room
    x = Scale(0.0, max(doses.values()) or 1.0, left + 8, right - 10)
    rules(canvas, left, right, y, found, zero=True)
    base = doses[sheet.baseline]
    known = [(dose, figure) for dose, figure in figures if math.isfinite(figure.mean)]
    trend = sorted([(base, 0.0), *((dose, figure.mean) for dose, figure in known)])
    canvas.curve([(x(dose), y(mean)) for dose, mean in trend], stroke=theme.line, thick=1.5)
    canvas.dots([(x(base), y(0.0))], theme.soft, size=6, opacity=1)
    intervals(canvas, y, [(x(dose), figure) for dose, figure in known], upright=True, size=3.6)
    for dose, figure in known:
        if y.beyond(figure.mean):
            at = y(figure.mean) + (16 if figure.mean > 0 else -12)
            anchor = "end" if x(dose) > (left + right) / 2 else "start"
            side = -6 if anchor == "end" else 6
            canvas.text(
                x(dose) + side, at, read(figure, line.unit).mean, size=SMALL, anchor=anchor, fill=theme.ink, halo=True
            )
    canvas.line((left, top + _HIGH), (right, top + _HIGH), theme.line)
    feet(canvas, top + _HIGH, x, [Tick(dose, f"{dose:.3g}") for dose in sorted(set(doses.values()))])
    canvas.text((left + right) / 2, top + _HIGH + 25, sheet.say("dose.axis"), size=SMALL, anchor="middle")
    return [figure.shown for _, figure in known]


def _axis(sheet: Sheet, line: Line) -> str:
    """What an axis shows, and which way is the better one."""
    said = sheet.say("figure.difference", baseline=sheet.baseline, unit=sheet.unit(line.unit))
    return said if line.role == "fit" else f"{said} · {'↑' if line.better > 0 else '↓'} {sheet.say('effects.better')}"
