"""The primary measure as deployed: at the epoch that early stopping would choose, on samples that did not choose it.

Runs report a figure's sum and count on each of K folds of the validation samples, epoch by epoch. For each fold the
best epoch is chosen on the other K - 1, the first of equal ones; the fold is measured there; what the folds measure is
put together sample by sample. What is estimated is a deployment whose epoch is chosen on (K - 1) / K of the validation
data. The best checkpoint among the trained epochs is meant, without patience.

A figure that is no mean over samples (F1, R2) has no sums: runs report its value on each fold, and on the samples of
the others, by which epochs are chosen. What the folds measure is then averaged, each with the weight of its samples.

Where only one number per epoch was reported, its best is chosen and measured on the same samples: too good, by more
where curves are noisier. It is named for what it is and never called deployed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from droplab.analysis.endpoints import lowest
from droplab.folds import OTHERS
from droplab.ledger.packing import PackedFolds
from droplab.records import Measure, RunRecord

Kind = Literal["deployed", "best", "reported"]
"""``deployed``: from folds; ``best``: the best epoch, chosen and measured on the same samples; ``reported``: runs
reported one number, in one epoch."""

Floats = npt.NDArray[np.float64]

Folds = Sequence[Sequence[tuple[float, float]]]
"""Per epoch, a sum and a count for each fold; an epoch that did not measure has none, or NaN."""


class Deployed(NamedTuple):
    """A run as early stopping would leave it."""

    value: float
    """The measure; NaN where no epoch measured it."""
    epoch: int
    """The epoch whose checkpoint is kept, from 0: the best on all samples; -1 where there is none."""


def as_deployed(folds: Folds, measure: Measure, others: Folds = ()) -> Deployed:
    """Choose on K - 1 folds, measure on the rest, over all folds.

    >>> loss = Measure("loss", "lower")
    >>> as_deployed([[(2.0, 1), (2.0, 1)], [(1.0, 1), (3.0, 1)], [(3.0, 1), (1.5, 1)]], loss)
    Deployed(value=3.0, epoch=0)
    >>> as_deployed([[(2.0, 1)], [(1.0, 1)]], loss)
    Traceback (most recent call last):
    ValueError: as deployed wants two folds at least; got 1

    Args:
        folds: per epoch, a sum and a count for each fold.
        measure: says which direction is better.
        others: of a figure that is no mean, likewise its value on the samples of the other folds, last on all.

    Raises:
        ValueError: fewer than two folds, or not as many in every epoch.
    """
    found = chosen(folds, measure, others)
    if found is None:
        return Deployed(math.nan, -1)
    there, kept = found
    return Deployed(measured(there), kept)


def chosen(folds: Folds, measure: Measure, others: Folds = ()) -> tuple[Floats, int] | None:
    """``(K, 2)``, each fold's sum and count at the epoch that the others choose, and the epoch that all choose.

    Raises:
        ValueError: as in ``as_deployed``.
    """
    table, badness = _choices(folds, measure, others)
    if not len(table):
        return None
    of = table.shape[1]
    *epochs, kept = badness.argmin(0).tolist()  # the first of equal ones
    if not np.isfinite(badness[[*epochs, kept], range(of + 1)]).all():
        return None
    return table[epochs, range(of)], kept


def measured(there: Floats) -> float:
    """Of folds' sums and counts, ``(K, 2)``: what they measure together."""
    return math.fsum(there[:, 0]) / math.fsum(there[:, 1])


def deployed_so_far(folds: Folds, measure: Measure, others: Folds = ()) -> Floats:
    """``as_deployed`` had training ended after each of the epochs, ``(epochs,)``; NaN where nothing was measured yet.

    >>> loss = Measure("loss", "lower")
    >>> deployed_so_far([[(2.0, 1), (2.0, 1)], [(1.0, 1), (3.0, 1)], [(3.0, 1), (1.5, 1)]], loss).tolist()
    [2.0, 2.5, 3.0]
    """
    table, badness = _choices(folds, measure, others)
    if not len(table):
        return np.full(len(folds), math.nan)
    chosen = best_so_far(badness)
    there = table[chosen[:, :-1], np.arange(table.shape[1])]  # epochs, folds, 2
    known = np.isfinite(np.take_along_axis(badness, chosen, 0)).all(1)
    with np.errstate(invalid="ignore"):
        sums = there.sum(1)
        return np.where(known, sums[:, 0] / sums[:, 1], math.nan)


def best_so_far(badness: Floats) -> npt.NDArray[np.intp]:
    """For each epoch (the first axis), the first of the lowest values up to it.

    >>> best_so_far(np.array([3.0, 1.0, 2.0, 1.0, 0.5])).tolist()
    [0, 1, 1, 1, 4]
    """
    least = np.minimum.accumulate(badness, axis=0)
    better = np.zeros(badness.shape, dtype=bool)
    better[1:] = badness[1:] < least[:-1]
    places = np.arange(len(badness)).reshape(-1, *[1] * (badness.ndim - 1))
    return np.maximum.accumulate(np.where(better, places, 0), axis=0)


def _choices(folds: Folds, measure: Measure, others: Folds) -> tuple[Floats, Floats]:
    """Sums and counts, ``(epochs, folds, 2)``; and by what an epoch is chosen: without each fold, then on all."""
    counts = {len(folds[0])} if isinstance(folds, PackedFolds) else {len(pairs) for pairs in folds if pairs}
    if len(counts) > 1:
        raise ValueError(f"every epoch has as many folds as the others; got {sorted(counts)}")
    if not counts:
        return np.empty((0, 0, 2)), np.empty((0, 1))
    (of,) = counts
    if of < 2:
        raise ValueError(f"as deployed wants two folds at least; got {of}")
    table = _table(folds, of)
    if others:
        rest = _table(others, of + 1)
    else:
        whole = table.sum(1)
        rest = np.concatenate([whole[:, None] - table, whole[:, None]], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # a fold without samples leaves nothing to choose by
        curves = rest[..., 0] / rest[..., 1]
    return table, np.where(np.isnan(curves), math.inf, -measure.sign * curves)


def _table(folds: Folds, of: int) -> Floats:
    """``(epochs, of, 2)``."""
    if isinstance(folds, PackedFolds):
        return np.frombuffer(folds.raw, dtype=np.float64).reshape(len(folds), of, 2)
    return np.array([pairs or [(math.nan, math.nan)] * of for pairs in folds], dtype=float)


def best_epoch(curve: Iterable[float], measure: Measure) -> int:
    """The first epoch of the best value; NaN is none.

    >>> best_epoch([0.5, 0.7, 0.7], Measure("accuracy", "higher"))
    1
    """
    return lowest([-measure.sign * value for value in curve])


def kind_of(runs: Sequence[RunRecord], figure: str) -> Kind:
    """What can be said of these runs' figure, like compared with like: the least that any of them allows."""
    if runs and all(run.folds.get(figure) for run in runs):
        return "deployed"
    return "reported" if all(len(run.metrics.get(figure, ())) <= 1 for run in runs) else "best"


def endpoint(run: RunRecord, figure: str, measure: Measure, kind: Kind) -> Deployed:
    """A run's number for the primary question."""
    if kind == "deployed":
        return as_deployed(run.folds[figure], measure, run.folds.get(figure + OTHERS, ()))
    curve = run.metrics.get(figure, ())
    if not curve:
        return Deployed(math.nan, -1)
    best = best_epoch(curve, measure)
    return Deployed(curve[best], best)
