"""What a run in another process tells the one that writes the ledger, each with an answer to wait for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from droplab.records import Measurement, Notice


class Telling(ABC):
    """Base of the ports of runs in other processes; see ``Port`` for each method."""

    @abstractmethod
    def _told(self, *message: Any) -> Any:
        """Send a message and wait until the driver has done it; its answer.

        Raises:
            StoppedError: the driver is gone, or says that the run is to stop.
        """

    def planned(self, epochs: int) -> str:
        """See ``Port``."""
        return str(self._told("planned", epochs))

    def counted(self, epochs: int) -> None:
        """See ``Port``."""
        self._told("counted", epochs)

    def epoch(self, measurement: Measurement) -> None:
        """See ``Port``."""
        self._told("epoch", measurement)

    def restart(self) -> None:
        """See ``Port``."""
        self._told("restart")

    def notice(self, notice: Notice) -> None:
        """See ``Port``."""
        self._told("notice", notice)

    def also_in(self, sink: str, where: Mapping[str, str]) -> None:
        """See ``Port``."""
        self._told("also_in", sink, dict(where))
