"""Numbers as they are read."""

from __future__ import annotations

import math

from droplab.analysis import Spread

SHARES = {"fit_accuracy", "val_accuracy"}
"""Endpoints that are fractions and read in percentage points."""


def number(endpoint: str, value: float, *, signed: bool = True) -> str:
    """A difference as it is read: accuracies in percentage points, losses in nats, turning in epochs.

    >>> number("val_accuracy", 0.0237), number("val_loss", -0.5), number("turning_epoch", 6.6), number("gap", -1e-9)
    ('+2.37 pp', '-0.5000', '+6.6', '+0.0000')
    """
    share = endpoint in SHARES
    digits = 2 if share else 1 if endpoint == "turning_epoch" else 4
    shown = round(100 * value if share else value, digits) + 0.0  # no -0.0000
    return f"{shown if signed else abs(shown):{'+' if signed else ''}.{digits}f}" + (" pp" if share else "")


def interval(endpoint: str, low: float, high: float) -> str:
    """An interval as it is read; empty where there is none.

    >>> interval("val_accuracy", 0.0027, 0.0253), interval("gap", math.nan, math.nan)
    ('[+0.27, +2.53] pp', '')
    """
    if math.isnan(low):
        return ""
    bounds = [number(endpoint, value) for value in (low, high)]
    if endpoint in SHARES:
        return f"[{', '.join(bound.removesuffix(' pp') for bound in bounds)}] pp"
    return f"[{', '.join(bounds)}]"


def spread_text(spread: Spread, *, share: bool = False, digits: int = 3) -> str:
    """A mean and its standard deviation as they are read.

    >>> spread_text(Spread(0.5, 0.01)), spread_text(Spread(0.5, math.nan), share=True)
    ('0.500 ± 0.010', '50.0')
    """
    mean, sd = spread.mean, spread.sd
    if math.isnan(mean):
        return "-"
    if share:
        mean, sd, digits = mean * 100, sd * 100, 1
    return f"{mean:.{digits}f}" + ("" if math.isnan(sd) else f" ± {sd:.{digits}f}")
