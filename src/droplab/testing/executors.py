"""What every executor must do, as pytest tests. Inherit ``ExecutorContract`` and say how yours is made.

::

    class TestMine(ExecutorContract):
        def executor(self, run_set):
            return MyExecutor(run_set)  # for a with statement
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from droplab.errors import LedgerError
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.executors import Ending, Executor
from droplab.execution.plan import OpenRun
from droplab.records import RunKey
from droplab.testing.toys import EPOCHS, Heard, ToySet


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
