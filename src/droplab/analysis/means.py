"""The mean of figures that need not be finite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean


def mean_of(values: Sequence[float]) -> float:
    """The mean; NaN where there is none: of nothing, of both infinities, of a sum beyond the largest float.

    >>> mean_of([1.0, 3.0]), mean_of([1.0, math.inf]), mean_of([-math.inf, math.inf]), mean_of([1e308, 1e308])
    (2.0, inf, nan, nan)
    """
    if len(values) == 0:
        return math.nan
    try:
        return fmean(values)
    except (OverflowError, ValueError):  # ``fsum``'s
        return math.nan
