"""How runs are carried out, and one of them as executors are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from droplab.records import RunKey


@dataclass(frozen=True)
class OpenRun:
    """One run to carry out; crosses process borders."""

    key: RunKey
    folder: Path
    """Where the run's checkpoints are."""
    epochs_in_ledger: int
    """A checkpoint beyond these is not used: its metrics would be missing."""
    group: str = ""
    """The experiment's name and the first digits of its id, for loggers of the loop's own."""
    measured: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """The ledger's primary measure and ``p/SITE`` by epoch, to compare with what a checkpoint gives."""
    primary: str = ""
    """The name of that measure's figure."""


def is_compared(metric: str, primary: str) -> bool:
    """Whether a run that is continued compares it with what the ledger has.

    >>> is_compared("p/drop1", "val_loss"), is_compared("val_accuracy", "val_loss")
    (True, False)
    """
    return metric == primary or metric.startswith("p/")


@dataclass(frozen=True)
class Plan:
    """What is fixed for all runs of an experiment; kept in the ledger."""

    executor: str
    workers: int
    threads: int
    precision: str
    device: str
