"""What an executor is told and what it reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from droplab.execution.run import OpenRun, Plan
from droplab.records import Measurement, RunKey
from droplab.spec.experiment import ExperimentSpec


class Driver(Protocol):
    """The one process that writes the ledger; executors report to it."""

    def started(self, key: RunKey) -> None:
        """A run begins or continues."""

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """An epoch is measured; on return it is in the ledger."""

    def done(self, key: RunKey) -> None:
        """A run has its last checkpoint."""

    def failed(self, key: RunKey, reason: str, *, retry: bool) -> None:
        """A run failed; ``retry`` says whether another try could end otherwise."""

    def interrupted(self, key: RunKey) -> None:
        """A run was stopped between checkpoints."""

    def say(self, text: str) -> None:
        """Something the user should know."""


@dataclass(frozen=True)
class RunSet:
    """What an executor needs to carry out runs; crosses process borders."""

    spec: ExperimentSpec
    plan: Plan
    data_dir: Path | None
    fingerprint: str
    """Of the split; a worker that loads other data must not train on it."""
    directory: Path = field(default_factory=Path.cwd)
    """Where workers look for the user's modules and relative paths."""


class Executor(Protocol):
    """Carries out runs in order, one after another or several at a time."""

    def run(self, runs: list[OpenRun], driver: Driver, stop: Callable[[], bool]) -> None:
        """Return when all runs are done, failed, or (``stop()``) interrupted."""
