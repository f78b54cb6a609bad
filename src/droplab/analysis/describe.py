"""Each arm in numbers, for description: nothing here is tested."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import NamedTuple

from droplab.analysis.endpoints import lowest
from droplab.analysis.means import mean_of
from droplab.analysis.questions import Questions
from droplab.records import ExperimentRecord, RunKey, RunRecord


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
    """At the last epoch, by endpoint: every measure on training samples in eval mode and on validation samples; gap."""
    best: dict[str, Spread]
    """At each run's best epoch, that of its best primary measure on validation samples: every measure on those."""
    turning_epoch: Spread
    """The best epoch, counted from 1."""
    censored: int
    """Runs whose best epoch is their last."""
    late: int
    """Runs whose best epoch lies in the last tenth of the epochs, or is their last; none of one epoch."""
    images_per_second: float
    seconds: float
    """Mean training time of a run."""

    @property
    def improving(self) -> bool:
        """Whether most runs were still improving when training ended: ``late`` ones are more than half."""
        return 2 * self.late > self.n


def spread(values: Sequence[float]) -> Spread:
    """Mean and standard deviation; a value that is not finite has none to differ from.

    >>> spread([1.0, 3.0]).mean, spread([1.0, math.nan])
    (2.0, Spread(mean=nan, sd=nan))
    """
    mean = mean_of(values)
    return Spread(mean, stdev(values) if len(values) > 1 and math.isfinite(mean) else math.nan)


def summarise(record: ExperimentRecord, asked: Questions, arm: str) -> ArmSummary:
    """Describe an arm of an experiment."""
    runs, of_arm = record.complete(arm), [record.runs.get(RunKey(arm, seed)) for seed in record.seeds]
    turned = [(run, best_epoch(run.metrics[asked.turn], asked)) for run in runs if run.metrics.get(asked.turn)]
    return ArmSummary(
        arm=arm,
        n=len(runs),
        failed=sum(run is not None and run.state == "failed" for run in of_arm),
        last={end.name: spread([curve[-1] for run in runs if (curve := end.curve(run))]) for end in asked.shown},
        best={
            end.name: spread([curve[turn] for run, turn in turned if (curve := end.curve(run))]) for end in asked.judged
        },
        turning_epoch=spread([turn + 1.0 for _, turn in turned]),
        censored=sum(turn == len(run.metrics[asked.turn]) - 1 for run, turn in turned),
        late=sum(turn >= max(1, record.epochs - max(1, record.epochs // 10)) for _, turn in turned),
        images_per_second=_mean([mean_of(speeds) for speeds in _series(runs, "images_per_second")]),
        seconds=_mean([sum(seconds) for seconds in _series(runs, "seconds")]),
    )


def best_epoch(curve: Sequence[float], asked: Questions) -> int:
    """The first epoch of the best primary measure."""
    return lowest(curve if asked.primary.better == "lower" else [-value for value in curve])


def _series(runs: Sequence[RunRecord], name: str) -> list[tuple[float, ...]]:
    return [run.metrics[name] for run in runs if run.metrics.get(name)]


def _mean(values: Sequence[float]) -> float:
    return spread(values).mean
