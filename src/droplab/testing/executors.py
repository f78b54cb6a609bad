"""What every executor must do, as pytest tests. Inherit ``ExecutorContract`` and say how yours is made.

::

    class TestMine(ExecutorContract):
        def executor(self, run_set):
            return MyExecutor(run_set)  # for a with statement
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, final

import torch

from droplab.errors import LedgerError, UserError
from droplab.execution.checkpoint import CheckpointStore, store_of
from droplab.execution.executors import Ending, Executor
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


def go_on() -> bool:
    """No stop is asked for."""
    return False


class ExecutorContract:
    """Tests of an executor; pytest collects them in classes that inherit this one."""

    processes = True
    """Whether a run may die without the driver."""

    def executor(self, run_set: Any) -> AbstractContextManager[Executor]:
        """The executor for a run set, within a ``with``."""
        raise NotImplementedError

    stack: ClassVar[ExitStack]
    shared: ClassVar[Executor | None]

    @classmethod
    def setup_class(cls) -> None:
        """Tests share an executor but where they spoil it: processes are dear."""
        cls.stack, cls.shared = ExitStack(), None

    @classmethod
    def teardown_class(cls) -> None:
        """The shared one ends with the last test."""
        cls.stack.close()

    def _executor(self) -> Executor:
        kind = type(self)
        if kind.shared is None:
            kind.shared = kind.stack.enter_context(self.executor(ToySet(Path.cwd())))
        return kind.shared

    def _runs(self, folder: Path, *arms: str) -> list[OpenRun]:
        return [OpenRun(RunKey(arm, seed), folder / f"{seed}", 0) for seed, arm in enumerate(arms)]

    def test_runs_tell_in_order_and_threads_are_the_plans(self, tmp_path: Path) -> None:
        """Every epoch in order, each before its checkpoint; what else is told arrives whole."""
        heard, runs = Heard(), self._runs(tmp_path, "good", "good", "good")
        self._executor().run([], heard, go_on)
        self._executor().run(runs, heard, go_on)
        for run in runs:
            kinds = [kind for kind, _ in heard.told[run.key]]
            assert kinds == ["started", "planned", *["epoch"] * EPOCHS, "notice", "also_in", "ended"]
            first = float(run.key.seed)
            assert heard.values(run.key) == [2 * first + 1, 4 * first + 3, 8 * first + 7]
            assert heard.ending(run.key) == Ending("done")
            assert {what.metrics["threads"] for kind, what in heard.told[run.key] if kind == "epoch"} == {1.0}
            assert ("also_in", ("nowhere", {"of": "good"})) in heard.told[run.key]
        assert heard.said == ["good says 日本語"] * 3

    def test_checkpoints_are_in_the_runs_folder_and_a_run_continues_with_them(self, tmp_path: Path) -> None:
        """Where the driver can read them, whatever machine has trained; no epoch is done twice."""
        heard, (run,) = Heard(), self._runs(tmp_path, "good")
        self._executor().run([run], heard, go_on)
        store = CheckpointStore(run.folder)
        found = store.latest()
        assert found is not None
        assert (found.epochs_done, found.state) == (EPOCHS, {"value": 7.0})
        store.save(2, {"value": 100.0}, keep=1)
        again = Heard()
        self._executor().run([replace(run, epochs_in_ledger=2)], again, go_on)
        assert again.values(run.key) == [201.0]

    def test_a_run_that_fails_leaves_the_others_alone(self, tmp_path: Path) -> None:
        """With its reason, and whether another try could end otherwise."""
        arms = ["raises", "exits", "asks for more", "good"]
        heard, runs = Heard(), self._runs(tmp_path, *arms)
        self._executor().run(runs, heard, go_on)
        raised, exited, asked, good = (heard.ending(run.key) for run in runs)
        assert raised.state == exited.state == asked.state == "failed"
        assert "ValueError: no such thing (at " in raised.reason
        assert "sys.exit('enough') was called" in exited.reason
        assert (asked.reason, asked.retry) == ("3 are wanted", False)
        assert good == Ending("done")
        assert len(heard.values(runs[0].key)) == 1

    def test_a_stop_ends_what_runs_and_begins_nothing(self, tmp_path: Path) -> None:
        """Runs end between steps; finished epochs stay; those that have not begun are not heard of."""
        heard, runs = Heard(), self._runs(tmp_path, *["waits"] * 5)
        with self.executor(ToySet(tmp_path)) as executor:
            executor.run(runs, heard, lambda: any(heard.values(run.key) for run in runs))
        for key, told in heard.told.items():
            assert told[0] == ("started", None), key
            assert heard.ending(key) == Ending("interrupted")
        assert 1 <= len(heard.told) < 5
        assert any(heard.values(key) for key in heard.told)

    def test_an_error_of_the_ledger_is_no_runs(self, tmp_path: Path) -> None:
        """Nothing more can be kept; whoever called hears of it."""
        with self.executor(ToySet(tmp_path)) as executor:
            problem = ""
            try:
                executor.run(self._runs(tmp_path, "good"), Heard(fails=True), go_on)
            except LedgerError as found:
                problem = str(found)
        assert "the disk is full" in problem

    def test_a_process_that_dies_fails_its_run_and_the_others_go_on(self, tmp_path: Path) -> None:
        """It takes a new process for the others."""
        if not self.processes:
            return
        heard, runs = Heard(), self._runs(tmp_path, "dies", "good", "dies", "good")
        self._executor().run(runs, heard, go_on)
        endings = [heard.ending(run.key) for run in runs]
        assert [ending.state for ending in endings] == ["failed", "done", "failed", "done"]
        assert "process" in endings[0].reason
        assert endings[0].retry
