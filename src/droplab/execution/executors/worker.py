"""A worker process: opens the run set once, then carries out the runs it is handed.

Messages to the worker: ``("run", OpenRun)``, ``("ask", function, arguments)``, ``("told", answer)``, ``"quit"``.
Messages from it: ``("ready",)``, ``("answer", value)``, ``("ended", Ending)``, ``("say", text)``, at any time
``("warned", text, category, file, line)``, and what a run tells, each of which is answered: ``("planned", epochs)``,
``("counted", epochs)``, ``("epoch", Measurement)``, ``("restart",)``, ``("notice", Notice)``,
``("also_in", sink, where)``. One that cannot start says ``("failed", reason)``.

The worker touches neither the ledger nor another run's folder. When the driver dies, however it dies,
the connection breaks and the worker ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event
from typing import Any, final

import torch

from droplab.execution.executors.base import Opened, RunSet, ending_of
from droplab.execution.executors.reasons import reason_of
from droplab.execution.executors.telling import Telling
from droplab.execution.executors.warned import sent
from droplab.kernels import prepare_meanwhile
from droplab.training.allocator import keep_freed_memory
from droplab.training.port import StoppedError

ANSWERED = ("planned", "counted", "epoch", "restart", "notice", "also_in")
"""Of what a run tells: what it waits for until the driver has done it."""


def main(connection: Connection[Any, Any], run_set: RunSet, stop: Event, method: str | None) -> None:
    """The worker's life; started by ``ProcessExecutor`` in a spawned process.

    Args:
        connection: to the driver.
        run_set: what to open.
        stop: set where runs are to end.
        method: how the driver starts processes by default. Those of this one, such as a loader's workers, are started
            so too, and not spawned as it was itself: they cost and know what they do where one process does it all.
    """
    multiprocessing.set_start_method(method, force=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(run_set.plan.threads)
    keep_freed_memory()
    driver = _Line(connection)
    with suppress(_DriverGoneError), sent(driver.send):
        prepare_meanwhile()
        try:
            os.chdir(run_set.directory)
            opened = run_set.open()
            driver.send("ready")
            while (message := driver.receive()) != "quit":
                driver.send(*_answer(message, opened, driver, stop))
        except (Exception, SystemExit) as problem:  # noqa: BLE001  # a worker that cannot start says why
            driver.send("failed", reason_of(problem))


def _answer(message: Any, opened: Opened, driver: _Line, stop: Event) -> tuple[Any, ...]:
    if message[0] == "ask":
        _, function, arguments = message
        return "answer", function(opened, *arguments)
    return "ended", ending_of(opened, message[1], _There(driver, stop.is_set))


class _DriverGoneError(BaseException):
    """The connection broke. No ``Exception``: user code that catches those does not stand between."""


@final
class _Line:
    """The connection to the driver; its errors are told from those of the model, which may be of the same types."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._sending = threading.RLock()

    def send(self, *message: Any) -> None:
        """A message, of any thread."""
        try:
            with self._sending:
                self._connection.send(message)
        except OSError:
            raise _DriverGoneError from None

    def receive(self) -> Any:
        """The driver's next one."""
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            raise _DriverGoneError from None


@final
class _There(Telling):
    """The port of a run in a worker process."""

    def __init__(self, driver: _Line, stop: Callable[[], bool]) -> None:
        self._driver = driver
        self.stop = stop

    def _told(self, *message: Any) -> Any:
        self._driver.send(*message)
        answer = self._driver.receive()
        if answer == "quit":
            raise StoppedError
        return answer[1]

    def say(self, text: str) -> None:
        self._driver.send("say", text)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
