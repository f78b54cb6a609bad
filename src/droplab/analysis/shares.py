"""How often something happened, with its exact interval."""

from __future__ import annotations

from functools import cache

from droplab.analysis.student import incomplete_beta


@cache
def exact_share(count: int, of: int, alpha: float = 0.05) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share; it covers 1 - alpha or more, whatever the share.

    >>> [round(bound, 3) for bound in exact_share(1, 5)], exact_share(0, 0)
    ([0.005, 0.716], (0.0, 1.0))
    """
    if of == 0:
        return 0.0, 1.0
    low = 0.0 if count == 0 else _solve(count, of - count + 1, alpha / 2)
    high = 1.0 if count == of else _solve(count + 1, of - count, 1 - alpha / 2)
    return low, high


def _solve(a: float, b: float, probability: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if incomplete_beta(a, b, middle, 1 - middle) < probability else (low, middle)
    return 0.5 * (low + high)
