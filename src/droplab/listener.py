"""What a progress display can follow."""

from __future__ import annotations

from typing import Any

from droplab.records import ExperimentRecord, Measurement, RunKey


class Listener:
    """Hears of everything while an experiment runs; does nothing by itself. Subclass what you need."""

    def opened(self, record: ExperimentRecord, plan: dict[str, Any], folder: str) -> None:
        """The ledger is open and the plan is fixed; ``record`` has what was done before."""

    def started(self, key: RunKey) -> None:
        """A run begins or continues."""

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """An epoch is in the ledger."""

    def ended(self, key: RunKey, state: str, reason: str) -> None:
        """A run is ``done``, ``failed`` or ``interrupted``."""

    def say(self, text: str) -> None:
        """Something the user should know."""
