"""From numbers to pixels: ranges that one far value does not squeeze, round ticks, lines with no point too many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from droplab.report.figures.reading import Reading

_FENCE = 3.0
"""Spreads of the middle half, beyond which a mean is outside."""
_FEW = 5
"""Below that many figures none is outside."""
_NARROW = 1e-5
"""Of a number, the smallest range around it whose ticks are short."""
_LEAST, _MOST = 1e-300, 1e300
"""Ranges below have no round numbers; numbers beyond stand at the end of a scale."""
Point = tuple[float, float]


class Scale(NamedTuple):
    """A range of numbers on a range of pixels; pixels may run downwards."""

    low: float
    high: float
    start: float = 0.0
    end: float = 1.0

    def __call__(self, value: float) -> float:
        """A number's place; outside of the range, its end.

        >>> Scale(0, 10, 100, 0)(2.5), Scale(0, 10, 100, 0)(99)
        (75.0, 0.0)
        """
        share = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return self.start + share * (self.end - self.start)

    def on(self, start: float, end: float) -> Scale:
        """The same range on other pixels."""
        return self._replace(start=start, end=end)

    def beyond(self, value: float) -> int:
        """-1 below the range, 1 above it, 0 on it."""
        return -1 if value < self.low else 1 if value > self.high else 0


def effects_scale(figures: Iterable[Reading]) -> Scale:
    """For differences: zero is on it; intervals that are far wider than means differ are cut off."""
    given = [figure for figure in figures if math.isfinite(figure.mean)]
    means = sorted(figure.mean for figure in given)
    low_quarter, high_quarter = (_at(means, share) for share in (0.25, 0.75)) if means else (0.0, 0.0)
    spread = math.inf if len(means) < _FEW else (high_quarter - low_quarter) or math.inf
    kept = [f for f in given if low_quarter - _FENCE * spread <= f.mean <= high_quarter + _FENCE * spread]
    points = [0.0, *(figure.mean for figure in kept)]
    low, high = min(points), max(points)
    span = high - low or max(map(abs, points)) or 1.0
    for figure in kept:
        for end in (figure.low, figure.high, *(figure.wide or ())):
            if math.isfinite(end):
                low = min(low, max(end, figure.mean - span))
                high = max(high, min(end, figure.mean + span))
    room = (high - low or 1.0) * 0.06
    return _bounded(low - room, high + room)


def curves_scale(values: Iterable[float], *, share: bool) -> Scale:
    """For levels, with a little room; shares stay between 0 and 1.

    What differs by less than a few digits tell is a level line: such a range is widened to what they tell.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return Scale(0.0, 1.0)
    low, high = min(known), max(known)
    span, size = high - low, max(abs(low), abs(high))
    room = (span or size or 1.0) * 0.04
    if 0 < span < size * _NARROW:
        room = size * _NARROW / 2
    if share and low >= 0 and high <= 1:
        return Scale(max(0.0, low - room), min(1.0, high + room))
    return _bounded(low - room, high + room)


def differences_scale(values: Iterable[float]) -> Scale:
    """For differences over epochs: a spike of one seed in the first epochs does not set it alone."""
    known = sorted([*(value for value in values if math.isfinite(value)), 0.0])
    low, high = min(0.0, _at(known, 0.01)), max(0.0, _at(known, 0.99))
    room = (high - low or 1.0) * 0.06
    return _bounded(low - room, high + room)


def _bounded(low: float, high: float) -> Scale:
    return Scale(max(-_MOST, low), min(_MOST, high))


def _at(known: Sequence[float], share: float) -> float:
    return known[math.floor(share * (len(known) - 1) + 0.5)]


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About ``count`` round values between two.

    >>> ticks(-0.37, 0.21, 3)
    [-0.2, 0.0, 0.2]
    """
    raw = (high - low) / count
    if not _LEAST < raw < math.inf:
        return [low]
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(size for size in (power, 2 * power, 5 * power, 10 * power) if size >= raw * 0.7)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return list(dict.fromkeys(float(f"{place * step:.12g}") + 0.0 for place in range(first, last + 1)))


def whole_ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Whole numbers between two, for epochs."""
    found = [value for value in ticks(low, high, count) if value == int(value)]
    return found if len(found) > 1 else sorted({float(math.ceil(low)), float(math.floor(high))})


def apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places that keep a distance, in their order, within bounds where these are wide enough.

    >>> apart([10, 12, 40], 10, 0, 42)
    [10, 20, 40]
    """
    found = list(places)
    for at in range(1, len(found)):
        found[at] = max(found[at], found[at - 1] + gap)
    limit = high
    for at in range(len(found) - 1, -1, -1):
        found[at] = max(low, min(found[at], limit))
        limit = found[at] - gap
    return found


def simplified(points: Sequence[Point], tolerance: float = 0.25) -> list[Point]:
    """A line through fewer points that is nowhere further from the given one than a quarter of a pixel.

    >>> simplified([(0, 0), (1, 0.1), (2, 0), (3, 9)])
    [(0, 0), (2, 0), (3, 9)]
    """
    if len(points) < 3:
        return list(points)
    keep = [False] * len(points)
    keep[0] = keep[-1] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        (x1, y1), (x2, y2) = points[first], points[last]
        length = math.hypot(x2 - x1, y2 - y1)
        farthest, most = -1, tolerance
        for at in range(first + 1, last):
            x, y = points[at]
            away = abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length if length else math.hypot(x - x1, y - y1)
            if away > most:
                farthest, most = at, away
        if farthest >= 0:
            keep[farthest] = True
            spans += [(first, farthest), (farthest, last)]
    return [point for point, kept in zip(points, keep, strict=True) if kept]
