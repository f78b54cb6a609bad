"""The one process that writes the ledger, as executors see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from droplab.execution.executors import Ending
from droplab.execution.initial import BATCHES, WEIGHTS, Beginnings
from droplab.languages import Count
from droplab.ledger import Ledger, planned_epochs
from droplab.listener import Listener
from droplab.records import ALSO_IN, Measurement, Notice, RunKey


@final
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

    def placed(self, key: RunKey, node: str) -> None:
        """A run has been given to a machine of a cluster."""
        self._ledger.event("placed", key, node=node)
        self._listener.placed(key, node)

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

    def planned(self, key: RunKey, epochs: int) -> str:
        """The first run says how many epochs all have, where the spec does not."""
        known = planned_epochs(self._ledger.design())
        if known == epochs:
            return ""
        if not known:
            self._ledger.set_design("epochs", epochs)
            self._listener.planned(epochs)
            return ""
        return (
            f"{key} asks for {Count(epochs):epoch|epochs}, and the experiment has {Count(known):epoch|epochs}; all "
            "runs have the same, as they are compared at their last one. run.epochs() without a number takes the "
            "experiment's"
        )

    def counted(self, key: RunKey, epochs: int) -> None:
        """The longest run says how many epochs an experiment has whose loop has no ``run.epochs``."""
        known = int(self._ledger.design()["epochs"])
        if epochs > known:
            self._ledger.set_design("epochs", epochs)
        elif epochs < known:
            self.notice(key, Notice("ended_early", key.arm, {"seed": key.seed, "done": epochs, "epochs": known}))

    def restart(self, key: RunKey) -> None:
        """What a run has measured is forgotten."""
        self._ledger.forget(key, "the loop has no run.epochs and began again")
        self._ledger.set_state(key, "running")

    def notice(self, _key: RunKey, notice: Notice) -> None:
        """For the reader of the results."""
        self._ledger.notice(notice)

    def also_in(self, key: RunKey, sink: str, where: Mapping[str, str]) -> None:
        """Whoever has the verdict writes it there."""
        self._ledger.event(ALSO_IN, key, sink=sink, where=dict(where))

    def ended(self, key: RunKey, ending: Ending) -> None:
        """A run has its last checkpoint, has failed or was stopped."""
        state, reason, retry = ending
        if state == "interrupted":
            reason = "stopped by the user"
        self._ledger.set_state(key, state, reason, retry=retry)
        self._ledger.fold()  # a copy of the one file holds every run that has ended
        self._listener.ended(key, state, reason)

    def say(self, text: str) -> None:
        """Something the user should know; the ledger keeps it."""
        self._ledger.event("note", text=text)
        self._listener.say(text)
