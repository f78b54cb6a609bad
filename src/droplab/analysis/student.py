"""Student's t distribution: the one table that a paired comparison needs, without scipy's 100 MB."""

from __future__ import annotations

import math
from functools import cache

from droplab.errors import UserError


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 1000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 + term * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + term / c
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return value


def incomplete_beta(a: float, b: float, x: float, y: float) -> float:
    """The regularised incomplete beta function I_x(a, b); ``y`` is 1 - x, exact where x is close to 1."""
    if x <= 0.0:
        return 0.0
    if y <= 0.0:
        return 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(y)
    if x < (a + 1.0) / (a + b + 2.0):
        return math.exp(log_front) * _beta_fraction(a, b, x) / a
    return 1.0 - math.exp(log_front) * _beta_fraction(b, a, y) / b


def two_sided_p(t: float, df: float) -> float:
    """P(|T| ≥ |t|) for T with ``df`` degrees of freedom.

    >>> round(two_sided_p(2.7764451, 4), 6)
    0.05
    """
    if math.isinf(t):
        return 0.0
    return incomplete_beta(df / 2.0, 0.5, df / (df + t * t), t * t / (df + t * t))


@cache
def quantile(probability: float, df: float) -> float:
    """The t with P(T ≤ t) = ``probability``, for 0 < probability < 1.

    >>> round(quantile(0.975, 4), 6)
    2.776445
    """
    if not 0.0 < probability < 1.0:
        raise UserError(f"a probability between 0 and 1 is wanted; got {probability}")
    if probability < 0.5:
        return -quantile(1.0 - probability, df)
    tail = 2.0 * (1.0 - probability)
    low, high = 0.0, 1.0
    while two_sided_p(high, df) > tail:
        low, high = high, high * 2.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in {low, high}:
            break
        low, high = (middle, high) if two_sided_p(middle, df) > tail else (low, middle)
    return 0.5 * (low + high)
