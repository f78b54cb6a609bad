"""A measure by epoch: the mean of each arm, what lies around it, single seeds, turning points, names at line ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from droplab.report.figures.canvas import SMALL, Canvas
from droplab.report.figures.frames import Cell, Tick, caption, feet, label_room, level_ticks, rows_of, rules
from droplab.report.figures.lettering import width
from droplab.report.figures.scales import Point, Scale, apart, curves_scale, whole_ticks
from droplab.report.figures.sheet import Sheet
from droplab.report.figures.themes import Look

Floats = npt.NDArray[np.float64]
_FEW = 4
"""Runs, below which a t interval says more of t than of the runs."""
_FULL = 4
"""Arms, above which only the shown one has a band and single seeds."""
_LINE = 12.0
"""Pixels between names."""


class _Arm(NamedTuple):
    name: str
    look: Look
    runs: list[Sequence[float]]
    mean: Floats
    low: Floats
    high: Floats
    full: bool


def names(sheet: Sheet) -> list[str]:
    """Every metric of every run, those of the measures first."""
    every = {name for run in sheet.runs for name in run.metrics}
    first = [name for name in sheet.data["measures"]["first"] if name in every]
    return [*first, *sorted(every - set(first))]


def drawn(sheet: Sheet) -> list[str]:
    """The metrics that the page draws at first: those of the measures, and rates that move."""
    wanted = set(sheet.data["measures"]["drawn"])
    moving = {name for run in sheet.runs for name, packed in run.metrics.items() if "b" in packed}
    return [name for name in names(sheet) if name in wanted or (name.startswith("p/") and name in moving)]


def draw(sheet: Sheet, canvas: Canvas, part: str = "") -> None:
    """Draw one metric by its name, or all that the page draws at first."""
    shown = [part] if part else drawn(sheet) or names(sheet)[:1]
    y = canvas.left
    for cells in rows_of(canvas, len(shown), 250, most=2):
        y = max(_chart(sheet, canvas, cell, shown[cell.place], y) for cell in cells) + 14
    reading = "figure.band.few" if min(_counts(sheet)) < _FEW else "figure.band"
    turned = any(name == _turning(sheet) for name in shown)
    words = " ".join(sheet.say(key) for key in (reading, *(["figure.turns"] if turned else [])))
    canvas.prose(canvas.left, y - 6, words, canvas.room, size=SMALL, most=3)


def _counts(sheet: Sheet) -> list[int]:
    trained = [run.arm for run in sheet.runs if run.epochs]
    return [trained.count(arm) for arm in dict.fromkeys(trained)]


def _arms(sheet: Sheet, theme: str, metric: str) -> list[_Arm]:
    looks = sheet.looks(theme)
    found = []
    for name, look in looks.items():
        runs = [sheet.values(at, metric) for at, run in enumerate(sheet.runs) if run.arm == name and run.epochs]
        runs = [run for run in runs if len(run)]
        if runs:
            found.append(_Arm(name, look, runs, *around(runs, sheet.data["t"]), full=False))
    return [arm._replace(full=len(found) <= _FULL or arm.name == sheet.arm) for arm in found]


@np.errstate(divide="ignore", invalid="ignore", over="ignore")  # runs need not be finite
def around(runs: Sequence[Sequence[float]], t: Sequence[float]) -> tuple[Floats, Floats, Floats]:
    """Mean, and the 95 % t interval, or least and greatest of fewer than four runs, epoch by epoch.

    Args:
        runs: the values of each run; they may differ in length.
        t: ``t[k - 1]`` is the quantile with k degrees of freedom.
    """
    length = max(map(len, runs))
    table = np.full((len(runs), length), math.nan)
    for row, run in zip(table, runs, strict=True):
        row[: len(run)] = run
    known = ~np.isnan(table)
    count = known.sum(0)
    mean = np.full(length, math.nan)
    np.divide(np.where(known, table, 0.0).sum(0), count, out=mean, where=count > 0)
    low, high = np.full(length, math.nan), np.full(length, math.nan)
    several = count > 1
    if len(runs) < _FEW:
        low[several] = np.where(known, table, math.inf).min(0)[several]
        high[several] = np.where(known, table, -math.inf).max(0)[several]
        return mean, low, high
    quantiles = np.array([t[min(max(n - 2, 0), len(t) - 1)] for n in count.tolist()])
    squares = np.where(known, (table - mean) ** 2, 0.0).sum(0)
    half = quantiles * np.sqrt(squares / (count - 1) / count)
    low[several], high[several] = (mean - half)[several], (mean + half)[several]
    return mean, low, high


def _chart(sheet: Sheet, canvas: Canvas, cell: Cell, metric: str, top: float) -> float:
    theme, unit = canvas.theme, sheet.metric_unit(metric)
    arms = _arms(sheet, theme.name, metric)
    title = f"{sheet.metric(metric)}{sheet.unit(unit, level=True)}"
    top = caption(canvas, cell.left, top, cell.room, title, most=2)
    bottom = top + min(280.0, max(110.0, cell.room * 0.5))
    lines = [arm.mean for arm in arms] + [run for arm in arms if arm.full for run in arm.runs]
    y = curves_scale(_ends(lines), share=unit == "share").on(bottom, top)
    found = level_ticks(y, unit, 4)
    named = [arm for arm in arms if not arm.look.rest] if len(arms) > 1 else []
    room = min(max((width(arm.name, SMALL) for arm in named), default=0.0) + 1, cell.room * 0.3)
    left = cell.left + label_room(found)
    right = cell.left + cell.room - (room + 12 if named else 0)
    longest = max((len(arm.mean) for arm in arms), default=1)
    x = Scale(1.0, float(max(longest, 2)), left, right)
    rules(canvas, left, right, y, found)
    for arm in arms:
        if arm.full:
            _surroundings(canvas, arm, x, y)
    for arm in sorted(arms, key=lambda one: not one.look.rest):
        thick = 0.9 if arm.look.rest else 1.9
        canvas.curve(_points(arm.mean, x, y), stroke=arm.look.colour, thick=thick, dash=arm.look.dash)
    if metric == _turning(sheet):
        _turns(sheet, canvas, arms, x, y)
    _names(canvas, named, (x, y), right, room)
    marks = whole_ticks(1.0, float(max(longest, 1)), max(2, int((right - left) // 55)))
    feet(canvas, bottom, x, [Tick(epoch, str(int(epoch))) for epoch in marks])
    canvas.text((left + right) / 2, bottom + 24, sheet.say("x.epoch"), size=SMALL, anchor="middle")
    return bottom + 28


def _ends(lines: Sequence[Sequence[float] | Floats]) -> list[float]:
    """The least and the greatest number of each line."""
    found = list[float]()
    for line in lines:
        known = np.asarray(line, dtype=float)
        known = known[np.isfinite(known)]
        if len(known):
            found += [float(known.min()), float(known.max())]
    return found


def _points(values: Sequence[float] | Floats, x: Scale, y: Scale) -> list[Point | None]:
    """A line's points; of long ones, the least and the greatest of every pixel, so that no spike is lost."""
    line = np.asarray(values, dtype=float)
    places = np.arange(len(line))
    most = max(2, int(x.end - x.start))
    if len(line) > 2 * most:
        parts = np.array_split(np.where(np.isfinite(line), line, math.nan), most)
        starts = np.cumsum([0, *map(len, parts[:-1])])
        kept = [
            start + at
            for start, part in zip(starts.tolist(), parts, strict=True)
            if np.isfinite(part).any()
            for at in sorted({int(np.nanargmin(part)), int(np.nanargmax(part))})
        ]
        places = np.array(kept, dtype=int)
    return [
        (x(epoch + 1.0), y(value)) if math.isfinite(value) else None
        for epoch, value in zip(places.tolist(), line[places].tolist(), strict=True)
    ]


def _surroundings(canvas: Canvas, arm: _Arm, x: Scale, y: Scale) -> None:
    known = [at for at, (low, high) in enumerate(zip(arm.low, arm.high, strict=True)) if np.isfinite([low, high]).all()]
    known = known[:: max(1, len(known) // 400)]
    upper = [(x(at + 1.0), y(float(arm.high[at]))) for at in known]
    lower = [(x(at + 1.0), y(float(arm.low[at]))) for at in known]
    canvas.area(upper, lower, arm.look.colour, 0.15)
    if len(arm.runs) > 1:
        lines = (_points(run, x, y) for run in arm.runs)
        canvas.curve(*lines, stroke=arm.look.colour, thick=0.7, opacity=0.4)


def _turning(sheet: Sheet) -> str:
    """The metric whose turning point is known."""
    return next((line.metric for line in sheet.lines if line.role == "turn"), "")


def _turns(sheet: Sheet, canvas: Canvas, arms: list[_Arm], x: Scale, y: Scale) -> None:
    """Where mean runs turn, a triangle on the mean."""
    line = next(line for line in sheet.lines if line.role == "turn")
    for arm in arms:
        other = sheet.arm if arm.name == sheet.baseline else arm.name
        figure = sheet.described(line, other, -1)
        turn = figure.before if arm.name == sheet.baseline else figure.after
        if math.isfinite(turn) and not arm.look.rest:
            at = min(len(arm.mean) - 1, max(0, round(turn) - 1))
            if math.isfinite(arm.mean[at]):
                canvas.arrow(x(turn), y(float(arm.mean[at])) - 3, "up", arm.look.colour)


def _names(canvas: Canvas, arms: list[_Arm], scales: tuple[Scale, Scale], right: float, room: float) -> None:
    """Names at the ends of lines; where they are too many, those of some of them."""
    x, y = scales
    ends = []
    for arm in arms:
        known = np.flatnonzero(np.isfinite(arm.mean))
        if len(known):
            ends.append((y(float(arm.mean[known[-1]])), x(known[-1] + 1.0), arm))
    ends.sort(key=lambda end: end[0])
    fit = max(1, int((y.start - y.end) // _LINE))
    if len(ends) > fit:
        ends = [ends[round(place * (len(ends) - 1) / max(1, fit - 1))] for place in range(fit)]
    places = apart([height for height, _, _ in ends], _LINE, y.end + 3, y.start)
    for (height, end, arm), at in zip(ends, places, strict=True):
        canvas.line((end, height), (right + 8, at), arm.look.colour, thick=0.6)
        canvas.text(right + 10, at + 3, arm.name, size=SMALL, fill=arm.look.colour, room=room)
