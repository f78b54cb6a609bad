"""An interval for new data beside the one for this split: seeds crossed with validation samples.

All seeds of one split are measured on the same samples, so that the spread over seeds says nothing of other samples. A
difference of seed s on fold f is taken as mean + seed + fold + both; the variance of the mean over J seeds and all
samples is then the sum of three parts, and is estimated from the mean squares of the table of seeds by folds as
(MS seeds + MS folds - MS both) / (J K), no less than with seeds or folds alone. Its degrees of freedom are
Satterthwaite's. New training samples are not meant: for those, seeds have to draw their splits (``scope.py``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from droplab.analysis.student import quantile
from droplab.records import RunKey

Table = np.ndarray[Any, Any]


class Crossed(NamedTuple):
    """Where the mean lies for new validation samples and new seeds; NaN where too little is there."""

    low: float
    high: float
    df: float
    folds: int


NOTHING = Crossed(math.nan, math.nan, math.nan, 0)


def crossed(differences: Table, weights: Sequence[float] | Table, mean: float, level: float) -> Crossed:
    """The interval around a mean.

    Args:
        differences: ``(seeds, folds)`` of arm minus baseline, two of both at least.
        weights: ``(folds,)``, each fold's number of samples.
        mean: the difference that is shown, which is theirs.
        level: the interval covers 1 - level.

    >>> table = np.array([[0.1, 0.3, 0.2], [0.2, 0.4, 0.3], [0.0, 0.2, 0.4]])
    >>> found = crossed(table, [10, 10, 10], 0.2333, 0.05)
    >>> round(found.low, 2), round(found.high, 2), round(found.df, 1)
    (-0.08, 0.55, 1.8)
    """
    seeds, folds = differences.shape
    if seeds < 2 or folds < 2 or not np.isfinite(differences).all():
        return NOTHING
    share = np.asarray(weights, dtype=float)
    share = share / share.sum()
    by_seed, by_fold = differences @ share, differences.mean(0)
    middle = float(by_fold @ share)
    rest = differences - by_fold - by_seed[:, None] + middle
    of_seeds = float(((by_seed - middle) ** 2).sum()) / (seeds - 1) / seeds
    of_folds = float(share @ (by_fold - middle) ** 2) / (folds - 1)
    of_both = float((rest**2 @ share).sum()) / ((seeds - 1) * (folds - 1)) / seeds
    total = max(of_seeds + of_folds - of_both, of_seeds, of_folds)
    if total == 0:
        return Crossed(mean, mean, math.inf, folds)
    spread = of_seeds**2 / (seeds - 1) + of_folds**2 / (folds - 1) + of_both**2 / ((seeds - 1) * (folds - 1))
    df = max(1.0, total**2 / spread)
    half = quantile(1 - level / 2, df) * math.sqrt(total)
    return Crossed(mean - half, mean + half, df, folds)


def for_new_data(
    parts: Mapping[RunKey, Table], arm: str, baseline: str, seeds: Sequence[int], mean: float, level: float
) -> Crossed:
    """The interval from what runs measured on folds; ``NOTHING`` where those were not the same samples.

    Args:
        parts: of each run, ``(K, 2)``: each fold's sum and count as deployed.
        arm: which is compared.
        baseline: with which.
        seeds: those that count.
        mean: the difference that is shown.
        level: the interval covers 1 - level.
    """
    keys = [RunKey(name, seed) for seed in seeds for name in (arm, baseline)]
    if not keys or not all(key in parts for key in keys):
        return NOTHING
    found = [parts[key] for key in keys]
    counts = found[0][:, 1]
    if any(not np.array_equal(one[:, 1], counts) for one in found):
        return NOTHING
    apart = [(ours[:, 0] - base[:, 0]) / counts for ours, base in zip(found[::2], found[1::2], strict=True)]
    return crossed(np.array(apart), counts, mean, level)
