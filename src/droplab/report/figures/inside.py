"""Inside the network: quantiles of a tensor's values by epoch, arms side by side on one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from droplab.report.figures.canvas import SMALL, Canvas
from droplab.report.figures.frames import Cell, Tick, caption, feet, label_room, level_ticks, rows_of, rules
from droplab.report.figures.scales import Scale, curves_scale
from droplab.report.figures.sheet import Sheet, unpacked
from droplab.report.figures.themes import Look

_LEVELS = 5
_HIGH = 110.0
_GRADIENT = "gradient."
Ribbon = Mapping[str, Any]


def tensors(sheet: Sheet) -> list[str]:
    """Names of tensors, those in which arms differ most first, biases last; of gradients with ``gradient.`` before."""
    found = dict.fromkeys((item["layer"], item["kind"]) for item in sheet.data["ribbons"])
    order = sorted(found, key=lambda one: (one[1] == "gradient", one[0].endswith("bias")))
    return [f"{_GRADIENT if kind == 'gradient' else ''}{layer}" for layer, kind in order]


def title(sheet: Sheet, name: str) -> str:
    """A tensor's name, and whether its weights or its gradients are meant."""
    item = next(item for item in sheet.data["ribbons"] if _name(item) == name)
    kind = sheet.say(f"kind.{item['kind']}")
    return f"{item['layer']}: {kind}"


def draw(sheet: Sheet, canvas: Canvas, part: str = "") -> None:
    """Draw one tensor by its name, or the first."""
    name = part or tensors(sheet)[0]
    items = [item for item in sheet.data["ribbons"] if _name(item) == name]
    numbers = [unpacked(item["quantiles"], "f") for item in items]
    limits = curves_scale([value for one in numbers for value in one], share=False)
    y = caption(canvas, canvas.left, canvas.left, canvas.room, title(sheet, name), sheet.say("figure.spread"))
    looks = sheet.looks(canvas.theme.name)
    for cells in rows_of(canvas, len(items), 140):
        for cell in cells:
            item = items[cell.place]
            _ribbon(sheet, canvas, cell, item, numbers[cell.place], looks[item["arm"]], limits, y)
        y += 18 + _HIGH + 34
    canvas.down(y - 20)


def _name(item: Ribbon) -> str:
    return f"{_GRADIENT if item['kind'] == 'gradient' else ''}{item['layer']}"


def _ribbon(
    sheet: Sheet,
    canvas: Canvas,
    cell: Cell,
    item: Ribbon,
    numbers: Sequence[float],
    look: Look,
    limits: Scale,
    top: float,
) -> None:
    canvas.text(cell.left, top + 11, item["arm"], fill=canvas.theme.ink, bold=True, room=cell.room)
    top += 18
    y = limits.on(top + _HIGH, top)
    found = level_ticks(y, "", 3)
    left, right = cell.left + label_room(found), cell.left + cell.room
    rules(canvas, left, right, y, found)
    epochs = [float(epoch) for epoch in item["epochs"]]
    x = Scale(epochs[0], max(epochs[-1], epochs[0] + 1), left + 2, right - 6)
    known = [at for at in range(len(epochs)) if math.isfinite(numbers[at * _LEVELS + 2])]

    def along(level: int) -> list[tuple[float, float]]:
        return [(x(epochs[at]), y(numbers[at * _LEVELS + level])) for at in known]

    canvas.area(along(4), along(0), look.colour, 0.18)
    canvas.area(along(3), along(1), look.colour, 0.35)
    canvas.curve(along(2), stroke=look.colour, thick=2, dash=look.dash)
    feet(canvas, top + _HIGH, x, [Tick(epoch, str(int(epoch))) for epoch in dict.fromkeys((epochs[0], epochs[-1]))])
    canvas.text((left + right) / 2, top + _HIGH + 12, sheet.say("x.epoch"), size=SMALL, anchor="middle")
