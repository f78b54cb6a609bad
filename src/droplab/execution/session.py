"""Runs of an experiment that whoever iterates over them opens and ends, one by one, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import final

import torch

from droplab.errors import DivergedError, LedgerError
from droplab.execution.calibrate import choose_device
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.engine import open_run
from droplab.execution.executors.reasons import reason_of
from droplab.execution.folder import folder_for, fresh_folder, make_folder
from droplab.execution.lock import folder_lock
from droplab.execution.loop_driver import LoopDriver
from droplab.execution.loop_engine import continue_loop, create_loop
from droplab.execution.run import OpenRun, Plan
from droplab.execution.threads import check_threads
from droplab.kernels import prepare_meanwhile
from droplab.ledger import FILE_NAME, Ledger, exists
from droplab.listener import GuardedListener, Listener
from droplab.records import Measurement, Notice, RunKey
from droplab.spec.experiment import ArmSpec
from droplab.spec.loop import LoopSpec
from droplab.training.run import Run
from droplab.training.seeding import borrowed_generators, seed_everything
from droplab.training.terms import Terms


@final
class _Told:
    """The port of a run; it also knows how far the run has come."""

    def __init__(self, key: RunKey, driver: LoopDriver) -> None:
        self._key, self._driver = key, driver
        self.epochs: int | None = None
        self.done = 0
        self.problem: LedgerError | None = None

    def planned(self, epochs: int) -> str:
        self.epochs = epochs
        return self._driver.planned(self._key, epochs)

    def counted(self, epochs: int) -> None:
        self._driver.counted(self._key, epochs)

    def epoch(self, measurement: Measurement) -> None:
        try:
            self._driver.runs.epoch(self._key, measurement)
        except LedgerError as problem:
            self.problem = problem
            raise
        self.done = measurement.epoch + 1

    def restart(self) -> None:
        self._driver.restart(self._key)

    def notice(self, notice: Notice) -> None:
        self._driver.notice(notice)

    def say(self, text: str) -> None:
        self._driver.runs.say(text)

    @staticmethod
    def stop() -> bool:
        """Ctrl-C is an exception here."""
        return False


@final
class Opened:
    """One run, open from ``begin`` until ``leave``, and then to be ended in one of three ways."""

    def __init__(self, run: OpenRun, arm: ArmSpec, terms: Terms, threads: int, driver: LoopDriver) -> None:
        self.key, self.arm = run.key, arm
        self._open, self._terms, self._threads, self._driver = run, terms, threads, driver
        self._told = _Told(run.key, driver)
        self._stack = ExitStack()
        self._run: Run | None = None

    @property
    def whole(self) -> bool:
        """Whether all epochs that it asked for are in the ledger."""
        return self._told.epochs is not None and self._told.done == self._told.epochs

    def begin(self) -> Run:
        """The run; generators and threads are its own from here on."""
        self._driver.runs.started(self.key)
        self._stack.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(self._threads)
        self._stack.enter_context(borrowed_generators())
        seed_everything(self.key.seed, "loop")
        store = CheckpointStore(self._open.folder, self._told.say)
        in_ledger = self._open.epochs_in_ledger
        self._run = Run(self.arm, self.key.seed, self._terms, store, in_ledger, self._told)
        self._told.done = in_ledger
        return self._run

    def leave(self) -> None:
        """Generators and threads are the caller's again.

        Raises:
            LedgerError: the ledger has failed meanwhile.
        """
        self._stack.close()
        if self._told.problem is not None:
            raise self._told.problem

    def finish(self) -> str:
        """It has returned; why that is no success, or an empty text."""
        assert self._run is not None
        try:
            self._run.finish()
        except Exception as problem:  # noqa: BLE001  # whatever one run does, the others go on
            return self.fail(problem)
        self._driver.ended(self.key, ("done", "", True))
        return ""

    def fail(self, problem: BaseException) -> str:
        """It has raised; the reason, for the ledger. What a person repairs in a cell may be tried again."""
        reason = reason_of(problem)
        self._driver.ended(self.key, ("failed", reason, not isinstance(problem, DivergedError)))
        return reason

    def interrupt(self) -> None:
        """It is to be continued."""
        self._driver.ended(self.key, ("stopped", "", True))


@contextmanager
def session(
    spec: LoopSpec,
    out: Path | None,
    listener: Listener,
    *,
    fresh: bool = False,
    accept_changed_code: bool = False,
    notices: Callable[[], tuple[Notice, ...]] = tuple,
) -> Iterator[tuple[Path, list[Opened]]]:
    """Hold an experiment's folder; the folder, and the runs that are not done.

    Raises:
        UserError: the folder holds another experiment, or was begun with other code.
        LockedError: another process works on the folder.
    """
    listener = GuardedListener(listener)
    check_threads(spec.compute)
    device = choose_device(spec.compute.device)
    folder = (out or folder_for(spec.name, spec.identity())).absolute()
    if fresh:
        folder = fresh_folder(folder)
    make_folder(folder)
    prepare_meanwhile()
    with ExitStack() as stack:
        stack.enter_context(folder_lock(folder))
        if exists(folder / FILE_NAME):
            ledger = stack.enter_context(Ledger.open(folder / FILE_NAME))
            if not any(run.epochs_done for run in ledger.read().runs.values()):
                ledger.set_design("code", {})  # what has measured nothing may be repaired
            spec = continue_loop(ledger, folder, spec, listener, accept=accept_changed_code)
        else:
            ledger = stack.enter_context(create_loop(folder / FILE_NAME, spec, str(device)))
        for notice in notices():
            ledger.notice(notice)
        plan = Plan(**ledger.design()["plan"])
        record = ledger.read()
        terms = Terms(spec.measures, spec.epochs or 0, plan.device, keep_samples=spec.keep_samples / len(record.runs))
        listener.opened(record, asdict(plan), str(folder))
        driver = LoopDriver(ledger, listener)
        arms = {arm.name: arm for arm in spec.arms}
        left = [open_run(record.runs[key], folder, ledger) for key in ledger.open_runs()]
        yield folder, [Opened(run, arms[run.key.arm], terms, plan.threads, driver) for run in left]
