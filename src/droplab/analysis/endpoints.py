"""An endpoint's numbers, one per seed. Which endpoints there are, ``questions.py`` says.

Each comparison is a paired t test over seeds (``paired.py``); Holm's adjustment spans all of an experiment's.

*Overfits.* With L_i(t) the validation loss of seed i after epoch t and T the last epoch, seed i's rise
is ``L_i(T) - L_i(t*)``, where t* is the epoch of the lowest *mean curve of the other seeds*. One's own
minimum would be biased: the lowest of T noisy values lies below the last one even where nothing rises.
The rises of two seeds share curves, so the test is a little liberal: with flat, noisy curves and nothing
adjusted it "finds" a rise in 3 to 5 % of experiments (nominally 2.5 %; the naive rule: 18 to 78 %), and
``tests/analysis/test_simulation.py`` holds the whole verdict to 5 %.

*Turning epoch.* The first epoch of the lowest validation loss of the run itself. A run whose lowest loss
is its last may have turned later had it gone on; it counts with its last epoch and is shown as ≥. An
arm's censored run only makes the difference smaller than the truth, and a baseline's only larger than
the truth, so neither can create a false sign in its own direction.

Values at the best epoch are shown for description and never tested.

Resolution, the floor of the standard deviation in the test: one sample for measures that count samples, one epoch
for the turning epoch, one step for figures that others rounded, none for the others.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from droplab.analysis.means import mean_of
from droplab.analysis.questions import Endpoint, Questions
from droplab.analysis.scope import scope_of
from droplab.records import ExperimentRecord, Measure, RunKey, RunRecord

_PARTS = {"fit": "fit", "val": "validation", "deployed": "validation"}
"""By role: the part of the data whose samples are counted."""


@dataclass(frozen=True)
class Sample:
    """An endpoint's numbers, one per seed; ``at_least`` says that the truth may lie further from zero."""

    seeds: tuple[int, ...]
    values: tuple[float, ...]
    resolution: float = 0.0
    at_least: bool = False
    ratio: float = 0.0
    """n2/n1 where seeds draw their splits (``scope.py``)."""


def lowest(curve: Sequence[float]) -> int:
    """Index of the first lowest value; NaN, where an epoch did not measure, is none.

    >>> lowest([3.0, 1.0, 2.0, 1.0]), lowest([math.nan, 1.0, 0.5])
    (1, 2)
    """
    return min(range(len(curve)), key=lambda place: math.inf if math.isnan(curve[place]) else curve[place])


def rises(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Each curve's rise to its end from the epoch where the mean of the *other* curves is lowest.

    >>> rises([[1.0, 0.5, 0.75], [1.0, 0.25, 0.5]])
    (0.25, 0.25)
    """
    found = []
    for index, curve in enumerate(curves):
        others = [other for position, other in enumerate(curves) if position != index]
        means = [mean_of(values) for values in zip(*others, strict=False)]  # a run may have ended early
        found.append(curve[-1] - curve[lowest(means[: len(curve)])])
    return tuple(found)


def overfits(record: ExperimentRecord, endpoint: Endpoint) -> Sample:
    """The baseline's rises; no values below two finished seeds, as the turn is chosen on the others."""
    runs = [run for run in record.complete(record.baseline) if endpoint.curve(run)]
    if len(runs) < 2:
        return Sample((), ())
    seeds = tuple(run.key.seed for run in runs)
    return Sample(seeds, rises([endpoint.curve(run) for run in runs]), ratio=scope_of(record).ratio)


def differences(record: ExperimentRecord, endpoint: Endpoint, arm: str, other: str) -> Sample:
    """Arm minus the other one over the seeds for which both are finished and have reported it."""
    found = [(a.key.seed, endpoint.curve(a), endpoint.curve(b)) for a, b in pairs_of(record, arm, other)]
    found = [(seed, ours, base) for seed, ours, base in found if ours and base]
    seeds, ratio = tuple(seed for seed, _, _ in found), scope_of(record).ratio
    if endpoint.role == "turn":
        turns = [(lowest(ours), lowest(base), len(ours) - 1) for _, ours, base in found]
        values = tuple(float(ours - base) for ours, base, _ in turns)
        return Sample(seeds, values, 1.0, any(ours == last > base for ours, base, last in turns), ratio)
    values = tuple(ours[-1] - base[-1] for _, ours, base in found)
    return Sample(seeds, values, one_sample(record, endpoint.measure, endpoint.role), ratio=ratio)


def one_sample(record: ExperimentRecord, measure: Measure, role: str) -> float:
    """What one sample more or less is to a measure that counts samples; 0 where that is not known, or no count.

    A loop of the user's own says how many validation samples there are by reporting single ones. Of a measure that was
    rounded before it got here, a step of that.
    """
    part = _PARTS.get(role)
    if part is None:
        return 0.0
    return max(_one_of(record, measure, part), record.rounded.get(measure.name, 0.0))


def _one_of(record: ExperimentRecord, measure: Measure, part: str) -> float:
    if not measure.counted:
        return 0.0
    samples: float = record.sizes.get(part, 0)
    if not samples and part == "validation":
        folds = (run.folds.get(f"val_{measure.name}", ()) for run in record.runs.values())
        samples = max((math.fsum(count for _, count in pairs) for series in folds for pairs in series), default=0.0)
    return 1 / samples if samples else 0.0


def pairs_of(record: ExperimentRecord, arm: str, other: str) -> list[tuple[RunRecord, RunRecord]]:
    """Finished runs of the two arms with the same seed."""
    base = {run.key.seed: run for run in record.complete(other)}
    return [(run, base[run.key.seed]) for run in record.complete(arm) if run.key.seed in base]


def identical(record: ExperimentRecord, asked: Questions, arm: str, other: str) -> bool:
    """Whether two arms gave the same numbers, to the bit, in every epoch of every seed they share.

    Such arms trained the same network: no number of seeds would tell them apart.
    """
    pairs = pairs_of(record, arm, other)
    return bool(pairs and asked.alike) and all(
        _same(ours.metrics.get(name, ()), base.metrics.get(name, ())) for ours, base in pairs for name in asked.alike
    )


def _same(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    return array("d", ours).tobytes() == array("d", theirs).tobytes()  # bits, so that NaN equals NaN


def missing(record: ExperimentRecord) -> tuple[RunKey, ...]:
    """Runs that no comparison can use, because they are not finished."""
    return tuple(key for key, run in record.runs.items() if run.state != "done")
