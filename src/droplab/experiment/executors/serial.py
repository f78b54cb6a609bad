"""One run after another, in this process, with all threads."""

from __future__ import annotations

from collections.abc import Callable

import torch

from droplab.errors import LedgerError
from droplab.experiment.allocator import keep_freed_memory
from droplab.experiment.executors.base import Driver, RunSet
from droplab.experiment.executors.reasons import may_retry, reason_of
from droplab.experiment.run import Task, carry_out
from droplab.experiment.samples import RunData
from droplab.experiment.train import StoppedError
from droplab.records import Measurement


class SerialExecutor:
    """Runs tasks in the calling process."""

    def __init__(self, run_set: RunSet, data: RunData) -> None:
        self._run_set, self._data = run_set, data

    def run(self, tasks: list[Task], driver: Driver, stop: Callable[[], bool]) -> None:
        """See ``Executor``."""
        keep_freed_memory()
        threads = torch.get_num_threads()
        try:
            for task in tasks:
                if stop():
                    return
                self._one(task, driver, stop)
        finally:
            torch.set_num_threads(threads)

    def _one(self, task: Task, driver: Driver, stop: Callable[[], bool]) -> None:
        def commit(measurement: Measurement) -> None:
            driver.epoch(task.key, measurement)

        driver.started(task.key)
        try:
            carry_out(task, self._run_set.spec, self._run_set.plan, self._data, commit, driver.say, stop)
        except StoppedError:
            driver.interrupted(task.key)
        except LedgerError:
            raise  # no run's affair: nothing more can be kept
        except (Exception, SystemExit) as problem:  # noqa: BLE001  # whatever one run does, the others go on
            driver.failed(task.key, reason_of(problem), retry=may_retry(problem))
        else:
            driver.done(task.key)
