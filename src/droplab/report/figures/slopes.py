"""Before and after, one line per seed: how far the arm moves each training."""

from __future__ import annotations

import math

from droplab.report.figures.canvas import SMALL, Canvas
from droplab.report.figures.frames import Cell, label_room, level_ticks, lowest, rows_of, rules
from droplab.report.figures.lettering import cleaned, folded, width
from droplab.report.figures.scales import curves_scale
from droplab.report.figures.sheet import SLOPES, Line, Sheet

_HIGH = 120.0


def draw(sheet: Sheet, canvas: Canvas, _part: str = "") -> None:
    """Draw a chart for each measure that runs are compared by."""
    lines = [line for line in sheet.asked if line.role not in {"rise", "turn"}][:SLOPES]
    hint = sheet.say("answer.slopes" if sheet.data["experiment"]["alike"] else "answer.slopes_apart")
    titles = [sheet.title(line) for line in lines]
    below = [sheet.unit(line.unit, level=True).strip(" ()") for line in lines]
    y = canvas.left
    for cells in rows_of(canvas, len(lines), 130):
        top = lowest(canvas, cells, titles, below, y)
        y = max(_chart(sheet, canvas, cell, lines[cell.place], top) for cell in cells) + 14
    x = canvas.left
    ways = (("up", canvas.theme.good, ()), ("down", canvas.theme.bad, (4, 2)))
    for way, colour, dash in ways:
        words = sheet.say(f"figure.slope.{way}")
        canvas.line((x, y + 6), (x + 18, y + 6), colour, thick=1.6, dash=dash)
        canvas.text(x + 23, y + 9, words, size=SMALL)
        x += 23 + width(words, SMALL) + 16
    canvas.prose(canvas.left, y + 14, hint, canvas.room, size=SMALL, most=2)


def _chart(sheet: Sheet, canvas: Canvas, cell: Cell, line: Line, top: float) -> float:
    theme = canvas.theme
    pairs = [
        (sheet.run_at(line, sheet.baseline, seed), sheet.run_at(line, sheet.arm, seed))
        for seed in sheet.reading(line).seeds
    ]
    pairs = [pair for pair in pairs if all(map(math.isfinite, pair))]
    share = line.unit == "share"
    y = curves_scale([value for pair in pairs for value in pair], share=share).on(top + _HIGH, top)
    found = level_ticks(y, line.unit, 3)
    left, right = cell.left + label_room(found), cell.left + cell.room
    rules(canvas, left, right, y, found)
    start, end = left + 8, right - 8
    for way, colour, dash in ((0, theme.soft, ()), (1, theme.good, ()), (-1, theme.bad, (4, 2))):
        moved = [pair for pair in pairs if _way(pair, line.better) == way]
        for before, after in moved:
            canvas.line((start, y(before)), (end, y(after)), colour, thick=1.4, dash=dash)
        canvas.dots([(end, y(after)) for _, after in moved], colour, size=5, opacity=1)
    canvas.dots([(start, y(before)) for before, _ in pairs], theme.soft, size=5, opacity=1)
    room = (right - left) / 2 - 5
    bottom = top + _HIGH + 4
    for name, x, anchor in ((sheet.baseline, left, "start"), (sheet.arm, right, "end")):
        for place, words in enumerate(folded(cleaned(name), room, SMALL, most=2)):
            canvas.text(x, top + _HIGH + 14 + place * 11, words, size=SMALL, fill=theme.ink, anchor=anchor)
            bottom = max(bottom, top + _HIGH + 17 + place * 11)
    return bottom


def _way(pair: tuple[float, float], better: int) -> int:
    """1 where a seed improved, -1 where it got worse."""
    gain = (pair[1] - pair[0]) * better
    return (gain > 0) - (gain < 0)
