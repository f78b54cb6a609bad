"""What a run tells the process that writes the ledger."""

from __future__ import annotations

from typing import Protocol

from droplab.records import Measurement, Notice


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

    def say(self, text: str) -> None:
        """Something the user should know."""

    def stop(self) -> bool:
        """Whether the run is to end between steps."""
