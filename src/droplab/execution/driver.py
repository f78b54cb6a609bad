"""The one process that writes the ledger, as executors see it."""

from __future__ import annotations

from droplab.execution.initial import BATCHES, WEIGHTS, Beginnings
from droplab.ledger import Ledger
from droplab.listener import Listener
from droplab.records import Measurement, RunKey


class LedgerDriver:
    """Writes what executors report into the ledger, then tells the listener."""

    def __init__(self, ledger: Ledger, listener: Listener) -> None:
        self._ledger, self._listener = ledger, listener
        record = ledger.read()
        self._weights = Beginnings(WEIGHTS, record.events, record.notices)
        self._batches = Beginnings(BATCHES, record.events, record.notices)

    def started(self, key: RunKey) -> None:
        """A run begins or continues."""
        self._ledger.set_state(key, "running")
        self._listener.started(key)

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """An epoch is measured."""
        self._ledger.commit_epoch(key, measurement)
        self._begun(self._weights, key, measurement.initial_weights)
        self._begun(self._batches, key, measurement.first_batches)
        self._listener.epoch(key, measurement)

    def _begun(self, known: Beginnings, key: RunKey, digest: str) -> None:
        if not digest:
            return
        new, notice = known.begin(key, digest)
        if new:
            self._ledger.event(known.what.event, key, digest=digest)
        if notice is not None:
            self._ledger.notice(notice)

    def _ended(self, key: RunKey, state: str, reason: str = "", *, retry: bool = True) -> None:
        self._ledger.set_state(key, state, reason, retry=retry)
        self._ledger.fold()  # a copy of the one file holds every run that has ended
        self._listener.ended(key, state, reason)

    def done(self, key: RunKey) -> None:
        """A run has its last checkpoint."""
        self._ended(key, "done")

    def failed(self, key: RunKey, reason: str, *, retry: bool) -> None:
        """A run failed."""
        self._ended(key, "failed", reason, retry=retry)

    def interrupted(self, key: RunKey) -> None:
        """A run was stopped."""
        self._ended(key, "interrupted", "stopped by the user")

    def say(self, text: str) -> None:
        """Something the user should know; the ledger keeps it."""
        self._ledger.event("note", text=text)
        self._listener.say(text)
