"""What an experiment is asked, written down before it is run.

These endpoints were committed before any result on CIFAR-10 was looked at. An experiment asks one
question of its baseline and five of every other arm. Each is a number per seed; each comparison is a
paired t test over seeds (``paired.py``); Holm's adjustment spans all of them, 1 + 5 × arms.

=================  ======================================================================  ===========
endpoint           number per seed                                                         claim
=================  ======================================================================  ===========
1  overfits        rise of the baseline's validation loss, see below                       above 0
2  fit_accuracy    eval-mode training accuracy at the last epoch, arm - baseline           below 0
2  turning_epoch   epoch of the lowest validation loss, arm - baseline                     above 0
3  val_loss        validation loss at the last epoch, arm - baseline                       below 0
3  val_accuracy    validation accuracy at the last epoch, arm - baseline                   above 0
3  gap             generalisation gap at the last epoch, arm - baseline                    below 0
=================  ======================================================================  ===========

The leading number is the finding: (1) the network overfits, (2) dropout costs training, (3) dropout
generalises better.

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

Resolution, the floor of the standard deviation in the test: one sample for accuracies, one epoch for
the turning epoch, none for losses.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from droplab.records import ExperimentRecord, RunKey, RunRecord


@dataclass(frozen=True)
class Endpoint:
    """One question: ``claim`` is +1 where the finding says "above 0", -1 where it says "below 0"."""

    name: str
    finding: int
    claim: int


OVERFITS = Endpoint("overfits", 1, +1)
"""The baseline's own question."""
ENDPOINTS = (
    Endpoint("fit_accuracy", 2, -1),
    Endpoint("turning_epoch", 2, +1),
    Endpoint("val_loss", 3, -1),
    Endpoint("val_accuracy", 3, +1),
    Endpoint("gap", 3, -1),
)
"""The questions asked of every arm but the baseline."""
_CURVES = ("fit_loss", "fit_accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class Sample:
    """An endpoint's numbers, one per seed; ``at_least`` says that the truth may lie further from zero."""

    seeds: tuple[int, ...]
    values: tuple[float, ...]
    resolution: float = 0.0
    at_least: bool = False


def lowest(curve: Sequence[float]) -> int:
    """Index of the first lowest value.

    >>> lowest([3.0, 1.0, 2.0, 1.0])
    1
    """
    return min(range(len(curve)), key=curve.__getitem__)


def rises(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Each curve's rise to its end from the epoch where the mean of the *other* curves is lowest.

    >>> rises([[1.0, 0.5, 0.75], [1.0, 0.25, 0.5]])
    (0.25, 0.25)
    """
    found = []
    for index, curve in enumerate(curves):
        others = [other for position, other in enumerate(curves) if position != index]
        turn = lowest([fmean(values) for values in zip(*others, strict=True)])
        found.append(curve[-1] - curve[turn])
    return tuple(found)


def overfits(record: ExperimentRecord) -> Sample:
    """The baseline's rises; no values below two finished seeds, as the turn is chosen on the others."""
    runs = record.complete(record.baseline)
    if len(runs) < 2:
        return Sample((), ())
    return Sample(tuple(run.key.seed for run in runs), rises([run.metrics["val_loss"] for run in runs]))


def differences(record: ExperimentRecord, endpoint: Endpoint, arm: str, other: str) -> Sample:
    """Arm minus the other one over the seeds for which both are finished."""
    pairs = pairs_of(record, arm, other)
    seeds = tuple(ours.key.seed for ours, _ in pairs)
    if endpoint.name == "turning_epoch":
        turns = [(lowest(a.metrics["val_loss"]), lowest(b.metrics["val_loss"])) for a, b in pairs]
        last = record.epochs - 1
        values = tuple(float(ours - base) for ours, base in turns)
        return Sample(seeds, values, 1.0, any(ours == last > base for ours, base in turns))
    values = tuple(a.metrics[endpoint.name][-1] - b.metrics[endpoint.name][-1] for a, b in pairs)
    part = {"fit_accuracy": "fit", "val_accuracy": "validation"}.get(endpoint.name)
    return Sample(seeds, values, 1 / record.sizes[part] if part else 0.0)


def pairs_of(record: ExperimentRecord, arm: str, other: str) -> list[tuple[RunRecord, RunRecord]]:
    """Finished runs of the two arms with the same seed."""
    base = {run.key.seed: run for run in record.complete(other)}
    return [(run, base[run.key.seed]) for run in record.complete(arm) if run.key.seed in base]


def identical(record: ExperimentRecord, arm: str, other: str) -> bool:
    """Whether two arms gave the same numbers, to the bit, in every epoch of every seed they share.

    Such arms trained the same network: no number of seeds would tell them apart.
    """
    pairs = pairs_of(record, arm, other)
    return bool(pairs) and all(
        _same(ours.metrics[name], base.metrics[name]) for ours, base in pairs for name in _CURVES
    )


def _same(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    return array("d", ours).tobytes() == array("d", theirs).tobytes()  # bits, so that NaN equals NaN


def missing(record: ExperimentRecord) -> tuple[RunKey, ...]:
    """Runs that no comparison can use, because they are not finished."""
    return tuple(key for key, run in record.runs.items() if run.state != "done")
