"""A worker process: loads the data once, then carries out the runs it is handed.

Messages to the worker: ``("run", Task)``, ``("speed", steps)``, ``"committed"``, ``"quit"``.
Messages from it: ``("ready",)``, ``("speed", images per second)``, ``("epoch", Measurement)``,
``("say", text)``, ``("done",)``, ``("stopped",)``, ``("failed", reason, retry)``.

The worker touches neither the ledger nor another run's folder. When the driver dies, however it dies,
the connection breaks and the worker ends.
"""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event
from typing import Any

import torch

from droplab.data import load
from droplab.errors import DataError
from droplab.experiment.allocator import keep_freed_memory
from droplab.experiment.executors.base import Job
from droplab.experiment.executors.serial import may_retry, reason_of
from droplab.experiment.run import carry_out
from droplab.experiment.speed import training_speed
from droplab.experiment.tensors import Workbench, workbench
from droplab.experiment.train import StoppedError
from droplab.kernels import prepare_meanwhile
from droplab.records import Measurement


def main(connection: Connection[Any, Any], job: Job, stop: Event) -> None:
    """The worker's life; started by ``ProcessExecutor`` in a spawned process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(job.plan.threads)
    keep_freed_memory()
    prepare_meanwhile()
    try:
        bench = _load(job)
        connection.send(("ready",))
        while (message := connection.recv()) != "quit":
            if message[0] == "speed":
                connection.send(("speed", training_speed(job.spec, bench, job.plan.precision, message[1])))
            else:
                connection.send(_carry_out(message[1], job, bench, connection, stop))
    except (EOFError, OSError):
        return  # the driver is gone
    except Exception as problem:  # noqa: BLE001  # a worker that cannot start says why
        connection.send(("failed", reason_of(problem), may_retry(problem)))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _load(job: Job) -> Workbench:
    data = job.spec.data
    split = load(
        data.name,
        data_dir=job.data_dir,
        train_size=data.train_size,
        validation_size=data.validation_size,
        split_seed=data.split_seed,
        options=data.options,
    )
    if split.fingerprint != job.fingerprint:
        raise DataError(
            f"data {data.name!r} loaded differently in a worker process than in the driver. "
            "A data function must return the same samples on every call."
        )
    return workbench(split, job.spec.recipe.fit_size, torch.device(job.plan.device))


def _carry_out(task: Any, job: Job, bench: Workbench, connection: Connection[Any, Any], stop: Event) -> tuple[Any, ...]:
    def commit(measurement: Measurement) -> None:
        connection.send(("epoch", measurement))
        if connection.recv() != "committed":
            raise StoppedError

    def say(text: str) -> None:
        connection.send(("say", text))

    try:
        carry_out(task, job.spec, job.plan, bench, commit, say, stop.is_set)
    except StoppedError:
        return ("stopped",)
    except (EOFError, BrokenPipeError):
        raise
    except Exception as problem:  # noqa: BLE001  # whatever one run does, the others go on
        return ("failed", reason_of(problem), may_retry(problem))
    return ("done",)
