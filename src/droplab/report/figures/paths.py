"""Lines as SVG writes them: short, and to a tenth of a pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from droplab.report.figures.scales import Point, simplified


def number(value: float, places: int = 1) -> str:
    """A number of pixels, as short as it can be.

    >>> number(12.0), number(-0.04), number(3.25, 2), number(-0.5)
    ('12', '0', '3.25', '-.5')
    """
    text = f"{value:.{places}f}".rstrip("0").rstrip(".")
    if text in {"-0", "0"}:
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def straight(start: Point, end: Point) -> str:
    """A line from a place to another, the place where it begins included."""
    begin = f"M{number(start[0])} {number(start[1])}"
    if number(start[1]) == number(end[1]):
        return f"{begin}H{number(end[0])}"
    if number(start[0]) == number(end[0]):
        return f"{begin}V{number(end[1])}"
    return f"{begin}L{number(end[0])} {number(end[1])}"


def steps(points: Sequence[Point]) -> str:
    """Steps from point to point, which are shorter than places; rounded places, so that nothing adds up.

    >>> steps([(1, 2), (1.24, 1.5), (3, 3)])
    'M1 2l.2-.5 1.8 1.5'
    """
    tenths = [(round(10 * x), round(10 * y)) for x, y in points]
    path = f"M{number(tenths[0][0] / 10)} {number(tenths[0][1] / 10)}"
    moves = []
    for (x1, y1), (x2, y2) in pairwise(tenths):
        across, down = number((x2 - x1) / 10), number((y2 - y1) / 10)
        moves.append(f"{across}{'' if down.startswith('-') else ' '}{down}")
    joined = "".join(step if step.startswith("-") or not at else f" {step}" for at, step in enumerate(moves))
    return f"{path}l{joined}" if joined else path


def parts(points: Sequence[Point | None]) -> Iterator[list[Point]]:
    """The lines between the places where one is broken, with no point too many; a point alone is a dot."""
    part: list[Point] = []
    for point in (*points, None):
        if point is not None:
            part.append(point)
        elif part:
            yield simplified(part) if len(part) > 1 else [part[0], (part[0][0] + 0.1, part[0][1])]
            part = []
