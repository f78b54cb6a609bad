"""One run of the house's own loop, epoch by epoch, without a ledger and without files."""

from __future__ import annotations

from typing import Any

from droplab.execution.house_set import terms_for
from droplab.records import Measurement, Notice
from droplab.spec import ArmSpec, ExperimentSpec
from droplab.spec.rivals import recipe_of
from droplab.training.loop import Training
from droplab.training.port import Loaded
from droplab.training.run import Run
from droplab.training.samples import RunData


class _Memory:
    """The run's port and its checkpoints: the last of each."""

    measurement: Measurement
    loaded: Loaded | None = None

    def epoch(self, measurement: Measurement) -> None:
        self.measurement = measurement

    def planned(self, _epochs: int) -> str:
        return ""

    def notice(self, notice: Notice) -> None:
        print(notice)

    def stop(self) -> bool:
        return False

    def check(self, state: dict[str, Any], /) -> None:
        """All is kept."""

    def save(self, epochs_done: int, state: dict[str, Any], /, **_keep: int) -> None:
        self.loaded = Loaded(epochs_done, state)

    def latest(self, _at_most: int | None = None, /) -> Loaded | None:
        return self.loaded


class Alone:
    """One run; each ``epoch()`` trains and measures the next one, and gives what a ledger would get."""

    def __init__(self, spec: ExperimentSpec, arm: ArmSpec, seed: int, data: RunData, precision: str) -> None:
        self._memory = _Memory()
        run: Any = Run(arm, seed, terms_for(data), self._memory, 0, self._memory)
        self._training = Training(run, spec, recipe_of(spec, arm), data, precision)
        self.model = self._training.model
        self._left = self._training.epochs()
        self._next = next(self._left, None)

    def epoch(self) -> Measurement:
        """As above."""
        assert self._next is not None, "all epochs are done"
        self._training.epoch(self._next)
        self._next = next(self._left, None)
        return self._memory.measurement
