"""In a script that ``droplab launch`` has started: its run, and the connection to the driver."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Client, Connection
from types import TracebackType
from typing import Any, NamedTuple, final

import torch

from droplab.errors import UserError
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.executors.reasons import may_retry, reason_of
from droplab.execution.executors.telling import Telling
from droplab.execution.launch_ranks import TogetherPort, TogetherStore
from droplab.execution.plan import OpenRun
from droplab.spec.arm import ArmSpec
from droplab.training.labels import Labels
from droplab.training.port import Port, StoppedError, Store
from droplab.training.ranks import ALONE, Ranks, Together, share_here
from droplab.training.run import Run
from droplab.training.seeding import seed_everything
from droplab.training.terms import Terms

ADDRESS, TOKEN = "DROPLAB_RUN", "DROPLAB_TOKEN"
STOP, KEPT = "stop", "committed"


class Task(NamedTuple):
    """What the driver tells a script that has said hello."""

    run: OpenRun
    arm: ArmSpec
    terms: Terms
    threads: int
    """Of all ranks together."""


def is_launched() -> bool:
    """Whether this process was started by ``droplab launch``."""
    return ADDRESS in os.environ


def connected() -> Run:
    """The run that the driver has for this process.

    Raises:
        UserError: it has none, or is gone.
    """
    rank, ranks = share_here()
    try:
        connection = Client(os.environ[ADDRESS], authkey=bytes.fromhex(os.environ[TOKEN]))
        connection.send(("hello", rank, ranks))
        task = connection.recv()
    except (OSError, EOFError, KeyError, ValueError, multiprocessing.AuthenticationError) as problem:
        raise UserError(
            f"droplab.run() does not reach the droplab launch that {ADDRESS} names ({problem or 'it hung up'}); it has "
            f"ended, or the variable is left over: start the script with droplab launch, or unset {ADDRESS}"
        ) from None
    if isinstance(task, str):
        raise UserError(task)
    return _begun(task, _Line(connection), rank, ranks)


def _begun(task: Task, line: _Line, rank: int, ranks: int) -> Run:
    torch.set_num_threads(max(1, task.threads // ranks))
    key = task.run.key
    folder = task.run.folder / f"rank-{rank}" if rank else task.run.folder
    port: Port = line
    store: Store = CheckpointStore(folder, line.say)
    agreement: Ranks = ALONE
    if ranks > 1:
        agreement = Together(rank, ranks)
        port, store = TogetherPort(line, agreement), TogetherStore(store, agreement)
    seed_everything(key.seed, f"loop/rank {rank}" if rank else "loop")
    labels = Labels(task.run.group, key.arm, key.seed, port)
    run = Run(task.arm, key.seed, task.terms, store, task.run.epochs_in_ledger, port, ranks=agreement, labels=labels)
    _end_with(run, line, leads=rank == 0)
    return run


@final
class _Line(Telling):
    """The port of a run in a process of its own. The driver says ``stop`` whenever it likes, else it answers."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._stopping = False
        self.ended = False

    def _receive(self) -> Any:
        try:
            while (found := self._connection.recv()) == STOP:
                self._stopping = True
        except (EOFError, OSError):
            raise StoppedError from None  # the driver is gone, and who else would want to know
        return found

    def _send(self, *message: Any) -> None:
        try:
            self._connection.send(message)
        except OSError:
            raise StoppedError from None

    def _told(self, *message: Any) -> None:
        self._send(*message)
        if self._receive() != KEPT:
            raise StoppedError

    def stop(self) -> bool:
        try:
            while not self._stopping and self._connection.poll():
                self._stopping = self._connection.recv() == STOP
        except (EOFError, OSError):
            self._stopping = True
        return self._stopping

    def planned(self, epochs: int) -> str:
        self._send("planned", epochs)
        return str(self._receive())

    def say(self, text: str) -> None:
        self._send("say", text)

    def end(self, *message: Any) -> None:
        """The last message, and only one."""
        if not self.ended:
            self.ended = True
            try:
                self._connection.send(message)
            except OSError:
                return


def _end_with(run: Run, line: _Line, *, leads: bool) -> None:
    """The run ends where the script does: in order, or by an exception."""
    before: Callable[..., Any] = sys.excepthook

    def failed(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
        if isinstance(problem, StoppedError):
            line.end("stopped")
            return
        line.end("failed", reason_of(problem.with_traceback(trace)), may_retry(problem))
        before(kind, problem, trace)

    def finished() -> None:
        if line.ended:
            return
        try:
            if leads and not run.stopped:
                run.finish()
        except Exception as problem:  # noqa: BLE001  # the script has ended; whoever reads the ledger hears of it
            line.end("failed", reason_of(problem), may_retry(problem))
        line.end("stopped" if run.stopped else "finished")

    sys.excepthook = failed
    atexit.register(finished)
