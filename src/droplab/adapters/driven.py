"""A run whose loop is a framework's: epochs and steps that begin and end in callbacks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, final

from droplab.training.run import Run

_VALIDATION = ("val_", "eval_", "valid_", "")


@final
class Driven:
    """Without checkpoints of droplab's: a run that was interrupted begins again from zero, with the same numbers."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._epochs: Iterator[int] = iter(())
        self._figures: dict[str, float] = {}
        self._step: AbstractContextManager[int] | None = None
        self._open = False

    def begin(self, epochs: int) -> None:
        """Training begins."""
        self._epochs = self.run.epochs(epochs, checkpoints=False)

    def epoch(self) -> None:
        """The next epoch begins, and the one before is told."""
        self.end()
        self._open = True
        next(self._epochs)

    def end(self) -> None:
        """The epoch that is open has ended; after the last one, training has."""
        self.step_ends()
        if self._open and self._figures:
            self.run.report(**self._figures)
        self._figures, self._open = {}, False

    def finish(self) -> None:
        """Training has ended."""
        self.end()
        next(self._epochs, None)

    def step_begins(self, batch: Any = None) -> None:
        """A step begins."""
        self._step = self.run.step(batch)
        self._step.__enter__()

    def step_ends(self) -> None:
        """A step has ended."""
        step, self._step = self._step, None
        if step is not None:
            step.__exit__(None, None, None)

    def note(self, figures: Mapping[str, Any]) -> None:
        """Of what a framework measures, what the experiment asks; the last of an epoch stays."""
        for measure in self.run.measures:
            name = measure.name
            found = {f"{part}_{name}": figures.get(f"{part}_{name}") for part in ("train", "fit")}
            held = (figures[f"{prefix}{name}"] for prefix in _VALIDATION if f"{prefix}{name}" in figures)
            found[f"val_{name}"] = next(held, None)
            self._figures |= {key: float(value) for key, value in found.items() if value is not None}

    def rates(self) -> dict[str, float]:
        """``p/SITE``, as they are now, for the framework's own log."""
        return {name: rate for name, rate in self.run.rates().items() if math.isfinite(rate)}
