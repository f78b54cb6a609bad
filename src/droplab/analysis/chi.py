"""Quantiles of the chi-square distribution, for the interval of a standard deviation."""

from __future__ import annotations

import math

from droplab.errors import UserError


def _lower(a: float, x: float) -> float:
    """The regularised lower incomplete gamma function, by its series below a + 1 and its continued fraction above."""
    if x <= 0.0:
        return 0.0
    front = math.exp(-x + a * math.log(x) - math.lgamma(a))
    if x < a + 1.0:
        term = total = 1.0 / a
        for step in range(1, 10_000):
            term *= x / (a + step)
            total += term
            if term < total * 1e-16:
                break
        return total * front
    tiny = 1e-300
    b = x + 1.0 - a
    c, d = 1.0 / tiny, 1.0 / b
    value = d
    for step in range(1, 10_000):
        factor = -step * (step - a)
        b += 2.0
        d = 1.0 / (factor * d + b or tiny)
        c = b + factor / c or tiny
        value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return 1.0 - front * value


def quantile(probability: float, df: float) -> float:
    """The x with P(X ≤ x) = ``probability``, for 0 < probability < 1.

    >>> round(quantile(0.975, 4), 4), round(quantile(0.025, 2), 4)
    (11.1433, 0.0506)
    """
    if not 0.0 < probability < 1.0:
        raise UserError(f"a probability between 0 and 1 is wanted; got {probability}")
    low, high = 0.0, 1.0
    while _lower(df / 2, high / 2) < probability:
        low, high = high, 2 * high
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _lower(df / 2, middle / 2) < probability else (low, middle)
    return 0.5 * (low + high)
