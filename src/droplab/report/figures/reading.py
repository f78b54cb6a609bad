"""Numbers as people read them: shares in percent, differences in points, digits as far as an interval allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_LARGE, _SMALL = 1e9, 1e-5
"""Sizes from which on, and below which, a number has a power of ten."""


class Reading(NamedTuple):
    """One question of one arm, at the epoch where training ended; NaN where there is no number."""

    before: float
    after: float
    mean: float
    low: float
    high: float
    """The plain 95 % interval."""
    wide: tuple[float, float] | None
    """The interval that decides, where something was tested."""
    says: str
    seeds: tuple[int, ...] = ()
    tested: bool = False
    at_least: bool = False
    margin: float | None = None
    needed: int | None = None

    @property
    def shown(self) -> str:
        """What it says, where anything was tested."""
        return self.says if self.tested else "untested"


class Said(NamedTuple):
    """A reading in three parts; empty where there is none."""

    change: str
    mean: str
    interval: str


def by(unit: str) -> float:
    """The factor by which numbers of a unit are shown."""
    return 100.0 if unit == "share" else 1.0


def digits(width: float, size: float) -> int:
    """Digits after the point that a width of uncertainty leaves: two of its own, and four of the number's at most.

    >>> digits(0.016, 0.3), digits(math.nan, 12.0)
    (3, 1)
    """
    told = width if math.isfinite(width) and width > 0 else abs(size) / 10
    most = 3 - math.floor(math.log10(abs(size))) if size and math.isfinite(size) else 6
    return min(6, max(0, min(most, 1 - math.floor(math.log10(told))))) if 0 < told < math.inf else 2


def fixed(value: float, places: int, *, signed: bool = False) -> str:
    """A number with a true minus sign; a dash where there is none.

    >>> fixed(-0.5, 2), fixed(0.0001, 2, signed=True), fixed(math.nan, 1), fixed(-1.5e30, 2)
    ('−0.50', '0.00', '–', '−1.5e30')
    """
    if not math.isfinite(value):
        return "–"
    if abs(value) >= _LARGE:
        return tick(value, signed=signed)
    text = f"{abs(value):.{places}f}"
    if float(text) == 0:
        return text
    return f"{'−' if value < 0 else '+' if signed else ''}{text}"


def level(value: float, unit: str) -> str:
    """A level, such as a mean loss or accuracy.

    >>> level(0.7131, "share"), level(1.23456, "nats"), level(12.0, "epochs")
    ('71.3 %', '1.235', '12.0')
    """
    if not math.isfinite(value):
        return "–"
    scaled = value * by(unit)
    if unit in {"share", "epochs"}:
        return fixed(scaled, 1) + (" %" if unit == "share" else "")
    size = abs(scaled)
    if 0 < size < _SMALL:
        return tick(scaled)
    return fixed(scaled, next((n for least, n in ((1000, 0), (100, 1), (10, 2), (0.01, 3)) if size >= least), 5))


def places_of(figure: Reading, unit: str) -> int:
    """Digits after the point with which a reading is shown."""
    factor = by(unit)
    return 1 if unit == "epochs" else digits((figure.high - figure.low) / 2 * factor, figure.mean * factor)


def read(figure: Reading, unit: str, places: int | None = None) -> Said:
    """A reading in three parts, with so many digits after the point; by default, as many as it is worth."""
    factor = by(unit)
    places = places_of(figure, unit) if places is None else places
    change = ""
    if math.isfinite(figure.before) and math.isfinite(figure.after):
        before = level(figure.before, unit)
        change = f"{before.removesuffix(' %')} → {level(figure.after, unit)}"
    numbers = [value * factor for value in (figure.mean, figure.low, figure.high)]
    small = 0 < max((abs(value) for value in numbers if math.isfinite(value)), default=0.0) < _SMALL
    mean, low, high = (
        tick(value, signed=True) if small and math.isfinite(value) else fixed(value, places, signed=True)
        for value in numbers
    )
    if math.isfinite(figure.mean):
        mean = f"{'≥ ' if figure.at_least else ''}{mean}{' pp' if unit == 'share' else ''}"
    interval = ""
    if math.isfinite(figure.low):
        interval = f"[{low}, {high}]"
    return Said(change, mean, interval)


def tick(value: float, step: float = math.nan, *, signed: bool = False) -> str:
    """A number at an axis: no zeros at its end, and as many digits as tell it from the next one.

    Args:
        value: the number.
        step: how far away the next one is; NaN where there is none.
        signed: with a plus sign where it is positive.

    >>> tick(0.25), tick(2000000.0), tick(-3.0), tick(0.0), tick(1e-30, signed=True)
    ('0.25', '2e6', '−3', '0', '+1e-30')
    >>> tick(0.0015, 0.0005), tick(1000000.5, 0.5), tick(1.00002e30, 2e25)
    ('0.0015', '1000000.5', '1.00002e30')
    """
    size = abs(value)
    if not size:
        return "0"
    if step > 0:
        least = math.floor(math.log10(step) + 1e-9)
        figures, places = max(0, math.floor(math.log10(size) + 1e-9) - least), max(0, -least)
    else:
        figures, places = 2, 0 if size >= 1000 else 1 if size >= 100 else 3
    base, _, power = f"{size:.{figures}e}".partition("e")
    text = f"{_short(base)}e{int(power)}"
    if size >= 1e-3 and (size < 1e6 or len(_short(f"{size:.{places}f}")) < len(text)):
        text = _short(f"{size:.{places}f}")
    return f"{'−' if value < 0 else '+' if signed else ''}{text}"


def tick_labels(values: Sequence[float], *, signed: bool = False) -> list[str]:
    """Numbers at one axis, in their order, no two alike.

    >>> tick_labels([0.0, 0.0005, 0.001, 0.0015])
    ['0', '5e-4', '0.001', '0.0015']
    """
    gaps = [math.inf, *(abs(after - before) for before, after in pairwise(values)), math.inf]
    steps = [min(two) for two in pairwise(gaps)]
    return [
        tick(value, step if math.isfinite(step) else math.nan, signed=signed)
        for value, step in zip(values, steps, strict=True)
    ]


def _short(number: str) -> str:
    """Without zeros after the point at its end."""
    return number.rstrip("0").rstrip(".") if "." in number else number
