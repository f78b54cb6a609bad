"""Runs that only count, and a driver that keeps what it hears: what executors are tested with."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import torch

from droplab.errors import LedgerError, UserError
from droplab.execution.checkpoint import store_of
from droplab.execution.executors import Ending
from droplab.execution.plan import OpenRun, Plan
from droplab.records import Measurement, Notice, RunKey
from droplab.training.port import Port, StoppedError

EPOCHS = 3


@final
@dataclass(frozen=True)
class ToyRuns:
    """See ``Opened``: runs that count, whose arm says how they misbehave."""

    threads: int

    def carry_out(self, run: OpenRun, port: Port) -> None:
        """Epoch by epoch a number that depends on all before it, which the checkpoint has."""
        arm = run.key.arm
        torch.set_num_threads(self.threads)
        refused = port.planned(4 if arm == "asks for more" else EPOCHS)
        if refused:
            raise UserError(refused)
        store = store_of(run.folder, port)
        found = store.latest(run.epochs_in_ledger)
        value = found.state["value"] if found else float(run.key.seed)
        if found is None:
            store.check({"value": value})
        for epoch in range(found.epochs_done if found else 0, EPOCHS):
            if port.stop() or (arm == "waits" and epoch == 1 and _waited(port)):
                raise StoppedError
            if epoch == 1:
                _misbehave(arm)
            value = 2 * value + 1
            port.epoch(Measurement(epoch, {"val_loss": value, "threads": float(torch.get_num_threads())}))
            store.save(epoch + 1, {"value": value}, keep=1)
        port.notice(Notice("seen", arm, {"by": os.getpid()}))
        port.also_in("nowhere", {"of": arm})
        port.say(f"{arm} says 日本語")


def _waited(port: Port) -> bool:
    """Until it is told to stop."""
    while not port.stop():
        pass
    return True


def _misbehave(arm: str) -> None:
    if arm == "raises":
        raise ValueError("no such thing")
    if arm == "exits":
        sys.exit("enough")
    if arm == "dies":
        os._exit(3)


@final
@dataclass(frozen=True)
class ToySet:
    """See ``RunSet``."""

    directory: Path
    plan: Plan = field(default_factory=lambda: Plan("contract", 2, 1, "float32", "cpu"))
    daemon: bool = True

    def open(self, cargo: Any = None) -> ToyRuns:
        """Nothing is loaded."""
        del cargo
        return ToyRuns(self.plan.threads)


@final
class Heard:
    """See ``Driver``: keeps what it is told, in order."""

    def __init__(self, *, fails: bool = False) -> None:
        self.told: dict[RunKey, list[tuple[str, Any]]] = defaultdict(list)
        self.said: list[str] = []
        self._fails = fails

    def started(self, key: RunKey) -> None:
        """See ``Driver``."""
        self.told[key].append(("started", None))

    def placed(self, key: RunKey, node: str) -> None:
        """See ``Driver``."""

    def planned(self, key: RunKey, epochs: int) -> str:
        """See ``Driver``."""
        self.told[key].append(("planned", epochs))
        return "" if epochs == EPOCHS else f"{EPOCHS} are wanted"

    def counted(self, key: RunKey, epochs: int) -> None:
        """See ``Driver``."""
        self.told[key].append(("counted", epochs))

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """See ``Driver``."""
        if self._fails:
            raise LedgerError("the disk is full")
        self.told[key].append(("epoch", measurement))

    def restart(self, key: RunKey) -> None:
        """See ``Driver``."""
        self.told[key].append(("restart", None))

    def notice(self, key: RunKey, notice: Notice) -> None:
        """See ``Driver``."""
        self.told[key].append(("notice", notice))

    def also_in(self, key: RunKey, sink: str, where: Mapping[str, str]) -> None:
        """See ``Driver``."""
        self.told[key].append(("also_in", (sink, dict(where))))

    def say(self, text: str) -> None:
        """See ``Driver``."""
        self.said.append(text)

    def ended(self, key: RunKey, ending: Ending) -> None:
        """See ``Driver``."""
        self.told[key].append(("ended", ending))

    def values(self, key: RunKey) -> list[float]:
        """What the epochs of a run measured."""
        return [what.metrics["val_loss"] for kind, what in self.told.get(key, ()) if kind == "epoch"]

    def ending(self, key: RunKey) -> Ending:
        """How a run ended, which is the last that is heard of it."""
        kind, ending = self.told[key][-1]
        assert kind == "ended"
        assert isinstance(ending, Ending)
        return ending
