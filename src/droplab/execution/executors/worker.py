"""A worker process: loads the data once, then carries out the runs it is handed.

Messages to the worker: ``("run", OpenRun)``, ``("speed", seconds)``, ``"committed"``, ``"quit"``.
Messages from it: ``("ready",)``, ``("speed", images per second)``, ``("epoch", Measurement)``,
``("say", text)``, ``("done",)``, ``("stopped",)``, ``("failed", reason, retry)``.

The worker touches neither the ledger nor another run's folder. When the driver dies, however it dies,
the connection breaks and the worker ends.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import torch

from droplab.errors import DataError
from droplab.execution.executors.base import RunSet
from droplab.execution.executors.reasons import may_retry, reason_of
from droplab.execution.loading import lay_out_for, load_data
from droplab.execution.run import carry_out
from droplab.kernels import prepare_meanwhile
from droplab.records import Measurement
from droplab.training.allocator import keep_freed_memory
from droplab.training.port import StoppedError
from droplab.training.samples import RunData
from droplab.training.speed import training_speed

Answer = Callable[[Any, "Line"], tuple[Any, ...]]
"""What a worker does with a message, and what it sends when that is done."""


def main(connection: Connection[Any, Any], run_set: RunSet, stop: Event) -> None:
    """The worker's life; started by ``ProcessExecutor`` in a spawned process."""

    def begin() -> Answer:
        data = _load(run_set)

        def answer(message: Any, driver: Line) -> tuple[Any, ...]:
            if message[0] == "speed":
                return "speed", training_speed(run_set.spec, data, run_set.plan.precision, message[1])
            return _carry_out(message[1], run_set, data, driver, stop)

        return answer

    serve(connection, run_set.plan.threads, run_set.directory, begin)


def serve(connection: Connection[Any, Any], threads: int, directory: Path, begin: Callable[[], Answer]) -> None:
    """Do what the driver says until it says ``"quit"`` or is gone.

    Args:
        connection: to the driver.
        threads: for each run.
        directory: the driver's.
        begin: loads what all runs need.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    keep_freed_memory()
    prepare_meanwhile()
    driver = Line(connection)
    with suppress(_DriverGoneError):
        try:
            os.chdir(directory)
            answer = begin()
            driver.send("ready")
            while (message := driver.receive()) != "quit":
                driver.send(*answer(message, driver))
        except (Exception, SystemExit) as problem:  # noqa: BLE001  # a worker that cannot start says why
            driver.send("failed", reason_of(problem), may_retry(problem))


class _DriverGoneError(BaseException):
    """The connection broke. No ``Exception``: user code that catches those does not stand between."""


class Line:
    """The connection to the driver; its errors are told from those of the model, which may be of the same types."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection

    def send(self, *message: Any) -> None:
        """A message."""
        try:
            self._connection.send(message)
        except OSError:
            raise _DriverGoneError from None

    def receive(self) -> Any:
        """The driver's next one."""
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            raise _DriverGoneError from None


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _load(run_set: RunSet) -> RunData:
    data = run_set.spec.data
    split = load_data(data, run_set.data_dir, run_set.spec.task)
    if split.fingerprint != run_set.fingerprint:
        raise DataError(
            f"data {data.name!r} loaded differently in a worker process than in the driver. "
            "A data function must return the same samples on every call."
        )
    return lay_out_for(run_set.spec, split, run_set.spec.recipe.fit_size, torch.device(run_set.plan.device))


def _carry_out(run: Any, run_set: RunSet, data: RunData, driver: Line, stop: Event) -> tuple[Any, ...]:
    def commit(measurement: Measurement) -> None:
        driver.send("epoch", measurement)
        if driver.receive() != "committed":
            raise StoppedError

    def say(text: str) -> None:
        driver.send("say", text)

    try:
        carry_out(run, run_set.spec, run_set.plan, data, commit, say, stop.is_set)
    except StoppedError:
        return ("stopped",)
    except (Exception, SystemExit) as problem:  # noqa: BLE001  # whatever one run does, the others go on
        return ("failed", reason_of(problem), may_retry(problem))
    return ("done",)
