"""What an experiment is asked: it follows from its measures and from what its loop reports.

=================  ======================================================================  ===========
endpoint           number per seed                                                         claim
=================  ======================================================================  ===========
1  overfits        rise of the baseline's validation loss, see ``endpoints.py``            above 0
2  fit_M           eval-mode training value at the last epoch, arm - baseline              worse
2  turning_epoch   epoch of the lowest validation loss, arm - baseline                     above 0
3  val_M           validation value at the last epoch, arm - baseline                      better
3  gap             generalisation gap at the last epoch, arm - baseline                    below 0
=================  ======================================================================  ===========

The leading number is the finding: (1) the network overfits, (2) dropout costs training, (3) dropout
generalises better. Findings 1, "turning_epoch" and "gap" are asked of the primary measure where lower is better
and it is reported for training samples too; fit_M of every other measure that is reported in eval mode; val_M of
every measure (where a loop reports it as M alone, the endpoint is called M). What is not reported is not asked.

For the house's loop, loss and accuracy: one question of the baseline and five of every other arm. They were
committed before any result on CIFAR-10 was looked at.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from droplab.measures import GAP, reported
from droplab.records import ExperimentRecord, Measure, RunRecord

Role = Literal["rise", "fit", "turn", "val", "gap", "deployed"]
"""What an endpoint looks at."""


@dataclass(frozen=True)
class Endpoint:
    """One question: ``claim`` is +1 where the finding says "above 0", -1 where it says "below 0"."""

    name: str
    finding: int
    claim: int
    role: Role
    measure: Measure
    metric: str
    """What runs report for it."""
    minus: str = ""
    """What is taken from it, epoch by epoch."""

    def curve(self, run: RunRecord) -> tuple[float, ...]:
        """The endpoint's value at each epoch of a run; empty where the run has not reported it."""
        values = run.metrics.get(self.metric, ())
        if not self.minus:
            return values
        return tuple(a - b for a, b in zip(values, run.metrics.get(self.minus, ()), strict=False))


@dataclass(frozen=True)
class Questions:
    """All endpoints of an experiment, and the curves that describe it."""

    measures: tuple[Measure, ...]
    turn: str
    """The metric on whose best epoch early stopping would choose; empty where it is not reported."""
    overfits: Endpoint | None
    """The baseline's own question."""
    others: tuple[Endpoint, ...]
    """Asked of every arm but the baseline."""
    fit: tuple[Endpoint, ...]
    """Every measure on training samples in eval mode, asked or not; the primary one last."""
    alike: tuple[str, ...]
    """Metrics that tell two trainings apart."""

    @property
    def primary(self) -> Measure:
        """The measure that is to be decided on."""
        return self.measures[0]

    @property
    def judged(self) -> tuple[Endpoint, ...]:
        """The endpoints that say whether a model is better."""
        return tuple(end for end in self.others if end.role == "val")

    @property
    def gap(self) -> Endpoint | None:
        """The generalisation gap, where it is asked about."""
        return next((end for end in self.others if end.role == "gap"), None)

    @property
    def shown(self) -> tuple[Endpoint, ...]:
        """What describes an arm at its last epoch, in reading order."""
        return (*self.fit, *self.judged, *filter(None, [self.gap]))

    @property
    def gap_as_trained(self) -> bool:
        """Whether the gap is to a training loss with dropout on, whose own noise is then counted too."""
        return self.gap is not None and self.gap.minus == f"train_{self.primary.name}"


def questions(record: ExperimentRecord) -> Questions:
    """The questions of an experiment; where nothing is reported yet, as if everything were."""
    return derive(record.measures, record.metrics)


def derive(measures: tuple[Measure, ...], names: Collection[str]) -> Questions:
    """The questions that follow from measures and from the names that are reported (none: all of them).

    >>> from droplab.records import CLASSIFICATION
    >>> [end.name for end in derive(CLASSIFICATION, ()).others]
    ['fit_accuracy', 'turning_epoch', 'val_loss', 'val_accuracy', 'gap']
    >>> [end.name for end in derive(CLASSIFICATION, ("val_loss", "accuracy")).others]
    ['val_loss', 'accuracy']
    """
    primary, *rest = measures
    turn = reported(primary, "val", names)
    seen = reported(primary, "fit", names) or reported(primary, "train", names)
    asks = bool(turn and seen and primary.better == "lower")
    fit = tuple(
        Endpoint(name, 2, -measure.sign, "fit", measure, name)
        for measure in (*rest, primary)
        if (name := reported(measure, "fit", names))
    )
    val = tuple(
        Endpoint(name, 3, measure.sign, "val", measure, name)
        for measure in measures
        if (name := reported(measure, "val", names))
    )
    turning = Endpoint("turning_epoch", 2, +1, "turn", primary, turn)
    metric, minus = (GAP, "") if GAP in names or not names else (turn, seen)
    gap = Endpoint(GAP, 3, -1, "gap", primary, metric, minus)
    return Questions(
        measures=measures,
        turn=turn,
        overfits=Endpoint("overfits", 1, +1, "rise", primary, turn) if asks else None,
        others=(
            *(end for end in fit if end.measure is not primary),
            *([turning] if asks else []),
            *val,
            *([gap] if asks else []),
        ),
        fit=fit,
        alike=tuple(
            name
            for measure in measures
            for name in (
                reported(measure, "fit", names) or reported(measure, "train", names),
                reported(measure, "val", names),
            )
            if name
        ),
    )
