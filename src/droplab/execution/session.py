"""Runs of an experiment that whoever iterates over them opens and ends, one by one, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import final

import torch

from droplab.errors import DivergedError
from droplab.execution.calibrate import choose_device
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.continuing import go_on
from droplab.execution.driver import LedgerDriver
from droplab.execution.engine import create, open_run
from droplab.execution.executors import Ending, Here
from droplab.execution.executors.reasons import reason_of
from droplab.execution.folder import fresh_folder, make_folder
from droplab.execution.guest import Guest, terms_of
from droplab.execution.lock import folder_lock
from droplab.execution.plan import OpenRun, Plan
from droplab.execution.rounds import Wanted, all_of_them, rounds
from droplab.execution.threads import check_threads
from droplab.kernels import prepare_meanwhile
from droplab.ledger import FILE_NAME, Ledger, exists
from droplab.listener import GuardedListener, Listener
from droplab.records import Notice
from droplab.spec.arm import ArmSpec
from droplab.spec.loop import LoopSpec
from droplab.training.labels import Labels, open_now
from droplab.training.run import Run
from droplab.training.seeding import borrowed_generators, seed_everything
from droplab.training.terms import Terms


@final
class Opened:
    """One run, open from ``begin`` until ``leave``, and then to be ended in one of three ways."""

    def __init__(self, run: OpenRun, arm: ArmSpec, terms: Terms, threads: int, driver: LedgerDriver) -> None:
        self.key, self.arm = run.key, arm
        self._open, self._terms, self._threads, self._driver = run, terms, threads, driver
        self._told = Here(run.key, driver, lambda: False)  # Ctrl-C is an exception here
        self._stack = ExitStack()
        self._run: Run | None = None

    @property
    def whole(self) -> bool:
        """Whether all epochs that it asked for are in the ledger."""
        return self._told.epochs is not None and self._told.done == self._told.epochs

    def begin(self) -> Run:
        """The run; generators and threads are its own from here on."""
        self._driver.started(self.key)
        self._stack.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(self._threads)
        self._stack.enter_context(borrowed_generators())
        seed_everything(self.key.seed, "loop")
        store = CheckpointStore(self._open.folder, self._told.say)
        in_ledger = self._open.epochs_in_ledger
        labels = Labels(self._open.group, self.key.arm, self.key.seed, self._told, open_now())
        self._run = Run(self.arm, self.key.seed, self._terms, store, in_ledger, self._told, labels=labels)
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
        self._driver.ended(self.key, Ending("done"))
        return ""

    def fail(self, problem: BaseException) -> str:
        """It has raised; the reason, for the ledger. What a person repairs in a cell may be tried again."""
        reason = reason_of(problem)
        self._driver.ended(self.key, Ending("failed", reason, not isinstance(problem, DivergedError)))
        return reason

    def interrupt(self) -> None:
        """It is to be continued."""
        self._driver.ended(self.key, Ending("interrupted"))


@contextmanager
def session(
    spec: LoopSpec,
    out: Path | None,
    listener: Listener,
    *,
    fresh: bool = False,
    accept_changed_code: bool = False,
    notices: Callable[[], tuple[Notice, ...]] = tuple,
    wanted: Wanted = all_of_them,
) -> Iterator[tuple[Path, Iterator[Opened]]]:
    """Hold an experiment's folder; the folder, and the runs to do, each to be ended before the next is asked for.

    Raises:
        UserError: the folder holds another experiment, or was begun with other code.
        LockedError: another process works on the folder.
    """
    listener = GuardedListener(listener)
    check_threads(spec.compute)
    device = choose_device(spec.compute.device)
    experiment = Guest(spec, Path.cwd())
    folder = (out or experiment.folder()).absolute()
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
            whole = go_on(ledger, folder, experiment, listener, accept=accept_changed_code)
            assert isinstance(whole, LoopSpec)
            spec = whole
        else:
            ledger, _ = create(folder, experiment, device, listener, stack)
        for notice in notices():
            ledger.notice(notice)
        plan = Plan(**ledger.design()["plan"])
        record = ledger.read()
        terms = terms_of(spec, plan, len(record.runs))
        listener.opened(record, asdict(plan), str(folder))
        driver = LedgerDriver(ledger, listener)
        arms = {arm.name: arm for arm in spec.arms}

        def left() -> Iterator[Opened]:
            for known, keys in rounds(ledger, wanted):
                listener.round(known, keys)
                for key in keys:
                    run = open_run(known, key, folder, ledger)
                    yield Opened(run, arms[key.arm], terms, plan.threads, driver)

        yield folder, left()
