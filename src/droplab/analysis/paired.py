"""One sample of paired differences: mean, interval, p-value, and how many seeds would decide."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev

from droplab.analysis.means import mean_of
from droplab.analysis.student import quantile, two_sided_p

POWER = 0.8
"""Chance of a decision that ``seeds_needed`` asks for."""
MOST_SEEDS = 200
"""Beyond this many seeds, ``seeds_needed`` stops counting."""
NO_NUMBER = 0
"""What ``seeds_needed`` says where splits overlap so much that no number of seeds would decide."""
_NORMAL = 1e9


@dataclass(frozen=True)
class Paired:
    """Mean of n differences with its t interval; NaN where n is too small to tell."""

    n: int
    mean: float
    sd: float
    low: float
    high: float
    p: float
    """Two-sided, unadjusted; 1 below two differences."""
    ratio: float = 0.0
    """Of seeds that draw their splits: n2/n1 (``scope.py``)."""


def paired_t(differences: Sequence[float], resolution: float = 0.0, alpha: float = 0.05, ratio: float = 0.0) -> Paired:
    """The paired t test on n - 1 degrees of freedom.

    ``t = mean / (s / √n)`` with s the larger of the sample standard deviation and ``resolution``. The
    floor keeps a few equal differences of a counted quantity (1 image, 1 epoch) from passing for certainty. Where seeds
    draw their splits, 1/n becomes 1/n + ``ratio``, as splits overlap (``scope.py``).

    Args:
        differences: one per seed.
        resolution: the smallest step the quantity can take.
        alpha: the interval covers 1 - alpha.
        ratio: samples that validate for each that does not, of splits that seeds draw; 0 of one split. Where it is NaN,
            nothing can be said.

    >>> result = paired_t([0.02, 0.03, 0.01, 0.02, 0.02])
    >>> f"{result.mean:.3f} [{result.low:.3f}, {result.high:.3f}] p={result.p:.4f}"
    '0.020 [0.011, 0.029] p=0.0032'
    >>> f"p={paired_t([0.02, 0.03, 0.01, 0.02, 0.02], ratio=1 / 4).p:.4f}"
    'p=0.0135'
    """
    n = len(differences)
    if n == 0:
        return Paired(0, math.nan, math.nan, math.nan, math.nan, 1.0, ratio)
    mean = mean_of(differences)
    if n == 1 or not all(map(math.isfinite, (*differences, mean, ratio))):
        return Paired(n, mean, math.nan, math.nan, math.nan, 1.0, ratio)
    sd = max(stdev(differences), resolution)
    error = sd * math.sqrt(1 / n + ratio) if ratio else sd / math.sqrt(n)
    half = quantile(1 - alpha / 2, n - 1) * error
    p = two_sided_p(mean / error, n - 1) if error else float(mean == 0)
    return Paired(n, mean, sd, mean - half, mean + half, p, ratio)


def never(result: Paired, far: float, alpha: float) -> bool:
    """Whether no number of seeds would find a difference of ``far`` with probability ``POWER``."""
    width = quantile(1 - alpha / 2, _NORMAL) + quantile(POWER, _NORMAL)
    return bool(result.ratio) and width * result.sd * math.sqrt(result.ratio) > far


def seeds_needed(result: Paired, alpha: float) -> int | None:
    """Seeds at which an effect as large as the one seen would be found with probability ``POWER``.

    The smallest n with ``(t(1 - α/2, n-1) + t(POWER, n-1)) · s / |mean| ≤ √n``, and more than there are; with
    ``1 / √(1/n + ratio)`` for √n where splits are drawn.

    Returns:
        The number; ``MOST_SEEDS + 1`` where it is larger than that, ``NO_NUMBER`` where none would do; ``None`` where
        nothing can be said.
    """
    if not math.isfinite(result.mean) or not math.isfinite(result.sd):
        return None
    if result.mean == 0:
        return MOST_SEEDS + 1
    if never(result, abs(result.mean), alpha):
        return NO_NUMBER
    noise = result.sd / abs(result.mean)

    def enough(n: int) -> bool:
        root = 1 / math.sqrt(1 / n + result.ratio) if result.ratio else math.sqrt(n)
        return (quantile(1 - alpha / 2, n - 1) + quantile(POWER, n - 1)) * noise <= root

    first = result.n + 1
    return first + bisect_left(range(first, MOST_SEEDS + 1), True, key=enough)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values: the family's error rate stays at α whatever the dependence.

    Sorted p(1) ≤ … ≤ p(m) become ``max over j ≤ i of min(1, (m - j + 1) · p(j))``.
    S. Holm, *A simple sequentially rejective multiple test procedure*, Scand. J. Statist. 6 (1979).

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def holm_levels(p_values: Sequence[float], alpha: float) -> list[float]:
    """For each p-value, the level at which Holm's procedure has tested it.

    With p(1) ≤ … ≤ p(m): ``alpha / (m - i + 1)`` for p(i) that is rejected, and ``alpha / u`` for all u that are
    not, the level at which the procedure stopped. A ``1 - level`` t interval excludes 0 exactly where ``holm``'s
    adjusted p-value is below ``alpha``, so that interval and decision never disagree. Every level is at most
    ``alpha``: each such interval covers its mean with probability ``1 - alpha`` or more. That *all* of them cover
    theirs at once is not claimed (levels of ``alpha / m`` throughout, Bonferroni's, would; they would now and then
    include 0 where Holm has decided).

    >>> [round(level, 4) for level in holm_levels([0.01, 0.04, 0.03], 0.05)]
    [0.0167, 0.025, 0.025]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    left = sum(p >= alpha for p in holm(p_values))
    levels = [0.0] * len(p_values)
    for rank, index in enumerate(order):
        levels[index] = alpha / max(len(p_values) - rank, left, 1)
    return levels
