"""Numbers as they are read."""

from __future__ import annotations

import math

from droplab.analysis import Spread, Unit

_DIGITS: dict[Unit, int] = {"share": 2, "nats": 4, "epochs": 1}
_SPREAD_DIGITS: dict[Unit, int] = {"share": 1, "nats": 3, "epochs": 1}
"""After the point; where the unit is unknown, four digits in all, two of a deviation."""
_LARGE = 1e9
"""From there on too, as after a loss that ran away."""


def number(unit: Unit, value: float, *, signed: bool = True) -> str:
    """A difference as it is read: shares in percentage points.

    >>> number("share", 0.0237), number("nats", -0.5), number("epochs", 6.6), number("nats", -1e-9), number("", 1234.56)
    ('+2.37 pp', '-0.5000', '+6.6', '+0.0000', '+1235')
    """
    scaled = 100 * value if unit == "share" else value
    rounded = round(scaled, _DIGITS[unit]) if unit in _DIGITS else scaled
    shown = rounded + 0.0  # no -0.0000
    sign = "+" if signed else ""
    return _digits(shown if signed else abs(shown), _DIGITS.get(unit), sign) + (" pp" if unit == "share" else "")


def interval(unit: Unit, low: float, high: float) -> str:
    """An interval as it is read; empty where there is none.

    >>> interval("share", 0.0027, 0.0253), interval("nats", math.nan, math.nan)
    ('[+0.27, +2.53] pp', '')
    """
    if math.isnan(low):
        return ""
    bounds = [number(unit, value) for value in (low, high)]
    if unit == "share":
        return f"[{', '.join(bound.removesuffix(' pp') for bound in bounds)}] pp"
    return f"[{', '.join(bounds)}]"


def spread_text(spread: Spread, unit: Unit) -> str:
    """A mean and its standard deviation as they are read; shares in percent.

    >>> spread_text(Spread(0.5, 0.01), "nats"), spread_text(Spread(0.5, math.nan), "share")
    ('0.500 ± 0.010', '50.0')
    >>> spread_text(Spread(3.3318e29, 2.2e28), "nats")
    '3.332e+29 ± 2.2e+28'
    """
    mean, sd = spread.mean, spread.sd
    if math.isnan(mean):
        return "-"
    if unit == "share":
        mean, sd = mean * 100, sd * 100
    digits = _SPREAD_DIGITS.get(unit)
    return _digits(mean, digits) + ("" if math.isnan(sd) else f" ± {_digits(sd, digits, most=2)}")


def _digits(value: float, digits: int | None, sign: str = "", most: int = 4) -> str:
    return f"{value:{sign}.{most}g}" if digits is None or abs(value) >= _LARGE else f"{value:{sign}.{digits}f}"
