"""How many pairs would probably decide."""

from __future__ import annotations

import math
from bisect import bisect_left

from droplab.analysis.looks import Plan
from droplab.analysis.paired import MOST_SEEDS, NO_NUMBER, POWER, Paired, never
from droplab.analysis.student import quantile


def pairs_needed(result: Paired, plan: Plan, share: float) -> int | None:
    """Pairs at which a difference like the one seen would be decided with probability ``POWER``.

    The smallest n, more than there are, at which the interval would exclude 0, or lie inside the margin, were the
    true mean and standard deviation those seen.

    Returns:
        The number; ``MOST_SEEDS + 1`` where it is larger than that, ``NO_NUMBER`` where none would do; ``None`` where
        nothing can be said.

    >>> from droplab.analysis.paired import paired_t
    >>> pairs_needed(paired_t([0.5, 1.5, 1.0, -0.2]), Plan((20,)), 1.0)
    11
    """
    if not math.isfinite(result.mean) or not math.isfinite(result.sd):
        return None
    away = abs(result.mean)
    inside = (plan.margin or 0.0) - away
    far = max(away, inside)
    if never(result, far, plan.level(MOST_SEEDS, share)):
        return NO_NUMBER

    def enough(n: int) -> bool:
        width = quantile(1 - plan.level(n, share) / 2, n - 1) + quantile(POWER, n - 1)
        root = 1 / math.sqrt(1 / n + result.ratio) if result.ratio else math.sqrt(n)
        return width * result.sd <= far * root

    first = result.n + 1
    return first + bisect_left(range(first, MOST_SEEDS + 1), True, key=enough)
