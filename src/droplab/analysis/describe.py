"""Each arm in numbers, for description: nothing here is tested."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import NamedTuple

from droplab.analysis.endpoints import lowest
from droplab.records import ExperimentRecord


class Spread(NamedTuple):
    """Mean and standard deviation over seeds; NaN where there are none, or one."""

    mean: float
    sd: float


@dataclass(frozen=True)
class ArmSummary:
    """An arm's finished runs."""

    arm: str
    n: int
    failed: int
    last: dict[str, Spread]
    """At the last epoch: ``fit_loss``, ``fit_accuracy``, ``val_loss``, ``val_accuracy``, ``gap``."""
    best: dict[str, Spread]
    """At each run's epoch of lowest validation loss: ``val_loss``, ``val_accuracy``."""
    turning_epoch: Spread
    """Counted from 1."""
    censored: int
    """Runs whose lowest validation loss is their last."""
    late: int
    """Runs whose lowest validation loss lies in the last tenth of the epochs, or is their last; none of one epoch."""
    images_per_second: float
    seconds: float
    """Mean training time of a run."""

    @property
    def improving(self) -> bool:
        """Whether most runs were still improving when training ended: ``late`` ones are more than half."""
        return 2 * self.late > self.n


def spread(values: Sequence[float]) -> Spread:
    """Mean and standard deviation.

    >>> spread([1.0, 3.0]).mean
    2.0
    """
    mean = fmean(values) if values else math.nan
    return Spread(mean, stdev(values) if len(values) > 1 else math.nan)


def summarise(record: ExperimentRecord, arm: str) -> ArmSummary:
    """Describe an arm of an experiment."""
    runs = record.complete(arm)
    turns = [lowest(run.metrics["val_loss"]) for run in runs]
    return ArmSummary(
        arm=arm,
        n=len(runs),
        failed=sum(run.state == "failed" for key, run in record.runs.items() if key.arm == arm),
        last={
            name: spread([run.metrics[name][-1] for run in runs])
            for name in ("fit_loss", "fit_accuracy", "val_loss", "val_accuracy", "gap")
        },
        best={
            name: spread([run.metrics[name][turn] for run, turn in zip(runs, turns, strict=True)])
            for name in ("val_loss", "val_accuracy")
        },
        turning_epoch=spread([turn + 1.0 for turn in turns]),
        censored=sum(turn == record.epochs - 1 for turn in turns),
        late=sum(turn >= max(1, record.epochs - max(1, record.epochs // 10)) for turn in turns),
        images_per_second=spread([fmean(run.metrics["images_per_second"]) for run in runs]).mean,
        seconds=spread([sum(run.metrics["seconds"]) for run in runs]).mean,
    )
