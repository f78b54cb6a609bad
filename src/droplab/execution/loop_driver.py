"""What only loops of the user's own have to tell the process that writes the ledger."""

from __future__ import annotations

from typing import final

from droplab.execution.driver import LedgerDriver
from droplab.execution.loop_carry_out import Outcome
from droplab.languages import Count
from droplab.ledger import Ledger
from droplab.listener import Listener
from droplab.records import Notice, RunKey


@final
class LoopDriver:
    """Keeps the number of epochs, which the first run says where the spec does not, and runs that begin again.

    ``runs`` hears of what all runs have in common.
    """

    def __init__(self, ledger: Ledger, listener: Listener) -> None:
        self._ledger, self._listener = ledger, listener
        self.runs = LedgerDriver(ledger, listener)

    def planned(self, key: RunKey, epochs: int) -> str:
        """A run has so many epochs; why that cannot be, or an empty text."""
        known = int(self._ledger.design()["epochs"])
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
        """A loop without ``run.epochs`` has returned after so many; the longest run says how many an experiment has."""
        known = int(self._ledger.design()["epochs"])
        if epochs > known:
            self._ledger.set_design("epochs", epochs)
        elif epochs < known:
            self.notice(Notice("ended_early", key.arm, {"seed": key.seed, "done": epochs, "epochs": known}))

    def restart(self, key: RunKey) -> None:
        """What a run has measured is forgotten: it begins again from zero."""
        self._ledger.forget(key, "the loop has no run.epochs and began again")
        self._ledger.set_state(key, "running")

    def ended(self, key: RunKey, outcome: Outcome) -> None:
        """A run has ended, as ``carry_out`` says."""
        state, reason, retry = outcome
        if state == "done":
            self.runs.done(key)
        elif state == "stopped":
            self.runs.interrupted(key)
        else:
            self.runs.failed(key, reason, retry=retry)

    def notice(self, notice: Notice) -> None:
        """For the reader of the results."""
        self._ledger.notice(notice)
