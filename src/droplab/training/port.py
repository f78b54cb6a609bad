"""What a run tells the process that writes the ledger, and where its state is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from droplab.records import Measurement, Notice


class StoppedError(Exception):
    """The caller's ``stop()`` said so; the epoch in hand is given up."""


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that was read: the epochs it covers and the state of the run."""

    epochs_done: int
    state: dict[str, Any]


class Store(Protocol):
    """The checkpoints of one run; ``execution/checkpoint.py`` has them in a folder."""

    def check(self, state: dict[str, Any], /) -> None:
        """See that a state could be written and read again, tensors left out."""

    def save(self, epochs_done: int, state: dict[str, Any], /, *, keep: int) -> Any:
        """Write the state after ``epochs_done`` epochs; the last ``keep`` files stay."""

    def latest(self, at_most: int | None = None, /) -> Loaded | None:
        """The newest one that can be read and covers no more than ``at_most`` epochs."""


class Port(Protocol):
    """One run's; in the driver's process or over a connection to it."""

    def planned(self, epochs: int) -> str:
        """So many epochs the loop asks for; why that cannot be, or an empty text."""

    def counted(self, epochs: int) -> None:
        """A loop without ``run.epochs`` has returned after so many."""

    def epoch(self, measurement: Measurement) -> None:
        """An epoch is measured; on return it is in the ledger."""

    def restart(self) -> None:
        """The run begins again from zero; what the ledger has of it is forgotten."""

    def notice(self, notice: Notice) -> None:
        """Something that the reader of the results should know."""

    def also_in(self, sink: str, where: Mapping[str, str]) -> None:
        """The loop has a run of its own in a sink, there; see ``labels.py``."""

    def say(self, text: str) -> None:
        """Something the user should know."""

    def stop(self) -> bool:
        """Whether the run is to end between steps."""
