"""How an experiment stands while it trains: what the terminal shows of each arm and of the whole."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from droplab.analysis import next_seeds, plan_of
from droplab.measures import reported
from droplab.records import ExperimentRecord, Measure, Measurement, RunKey

SPEED = "images_per_second"
"""What a run reports of its speed."""


class Clock:
    """Time left, from the epochs of this session."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()
        self._done = 0

    def tick(self) -> None:
        """An epoch is over."""
        self._done += 1

    def left(self, epochs: int) -> str:
        """``1:02:03`` or ``2:03``; empty before the first epoch is measured."""
        if not self._done:
            return ""
        minutes, seconds = divmod(int((self._now() - self._began) / self._done * epochs), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def by_looks(record: ExperimentRecord) -> bool:
    """Whether it may end before all that is planned is trained."""
    return len(record.endpoints.get("looks", ())) > 1


@dataclass
class _Run:
    state: str
    epochs: int
    values: tuple[float | None, ...] = ()
    """The last ones of the shown measures."""


@dataclass(frozen=True)
class ArmRow:
    """One arm, as it stands."""

    arm: str
    states: tuple[str, ...]
    """Of its seeds in view: those of a run, or ``spared``."""
    now: tuple[int, ...]
    """Epochs done of the runs that are being trained."""
    means: tuple[float | None, ...]
    """Of each shown measure over finished runs; over those that have begun, where none has finished."""
    deviation: float | None
    """Of the first measure."""
    ended: str
    """Why it gets no more seeds: what is decided; empty where nothing is."""


class Standing:
    """All runs of an experiment, as they were found and as they are reported."""

    def __init__(self, record: ExperimentRecord) -> None:
        self.record = record
        self.measures: tuple[Measure, ...] = record.measures[:2]
        self.ended: Mapping[str, str] = {}
        self.speed = 0.0
        found = {"running": "interrupted"}  # whoever trained it is gone
        self._runs = {key: _Run(found.get(run.state, run.state), run.epochs_done) for key, run in record.runs.items()}
        for key, run in record.runs.items():
            last = {name: values[-1] for name, values in run.metrics.items() if values}
            self._runs[key].values = self._shown(last)
        begun = {key.seed for key, run in record.runs.items() if run.state != "planned"}
        self.seeds = tuple(seed for seed in record.seeds if seed in begun or not by_looks(record))

    def narrow(self, record: ExperimentRecord, runs: Sequence[RunKey]) -> None:
        """Only these runs are in view; what the plan has decided by now is known."""
        self.seeds = tuple(s for s in record.seeds if s in {*self.seeds, *(key.seed for key in runs)})
        plan = plan_of(record)
        if plan is not None and len(record.seeds) >= plan.looks[-1]:
            self.ended = dict(next_seeds(record, plan).ended)

    def started(self, key: RunKey) -> None:
        """A run begins or continues."""
        self._runs[key].state = "running"

    def measured(self, key: RunKey, measurement: Measurement) -> None:
        """An epoch of a run."""
        self.speed = measurement.metrics.get(SPEED, self.speed)
        self._runs[key] = _Run("running", measurement.epoch + 1, self._shown(measurement.metrics))

    def over(self, key: RunKey, state: str) -> None:
        """A run is ``done``, ``failed`` or ``interrupted``."""
        self._runs[key].state = state

    def count(self, state: str) -> int:
        """How many runs of the whole experiment are in a state."""
        return sum(run.state == state for run in list(self._runs.values()))

    def rows(self) -> list[ArmRow]:
        """Every arm, in the experiment's order."""
        return [self._row(arm) for arm in self.record.arms]

    def _row(self, arm: str) -> ArmRow:
        runs = [self._runs[RunKey(arm, seed)] for seed in self.seeds]
        why = self.ended.get(arm, "")
        states = tuple("spared" if why and run.state == "planned" else run.state for run in runs)
        running = [run for run in runs if run.state == "running"]
        begun = [run.values for run in runs if run.state in {"running", "interrupted"}]
        counted = [run.values for run in runs if run.state == "done"] or begun
        means: list[float | None] = []
        deviation = None
        for at in range(len(self.measures)):
            found = [v for values in counted if at < len(values) and (v := values[at]) is not None and math.isfinite(v)]
            means.append(fmean(found) if found else None)
            if at == 0 and len(found) > 1:
                deviation = stdev(found)
        return ArmRow(arm, states, tuple(run.epochs for run in running), tuple(means), deviation, why)

    def _shown(self, metrics: Mapping[str, float]) -> tuple[float | None, ...]:
        return tuple(metrics.get(reported(measure, "val", metrics)) for measure in self.measures)


def worth_most(rows: Iterable[ArmRow], room: int, baseline: str) -> list[ArmRow]:
    """So many of the arms, in their order: those that train first, then those that failed, the baseline, the others.

    >>> rows = [ArmRow(str(n), ("running" if n == 4 else "planned",), (), (), None, "") for n in range(6)]
    >>> [row.arm for row in worth_most(rows, 2, "1")]
    ['1', '4']
    """
    every = list(rows)

    def weight(at: int) -> tuple[int, int]:
        row = every[at]
        order = ("running" in row.states, "failed" in row.states, row.arm == baseline, "done" in row.states, True)
        return order.index(True), at

    chosen = sorted(sorted(range(len(every)), key=weight)[:room])
    return [every[at] for at in chosen]
