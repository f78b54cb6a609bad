"""One run after another, in this process, with all threads."""

from __future__ import annotations

from collections.abc import Callable

import torch

from droplab.errors import LedgerError
from droplab.execution.executors.base import Driver, RunSet
from droplab.execution.executors.reasons import may_retry, reason_of
from droplab.execution.run import OpenRun, carry_out
from droplab.records import Measurement
from droplab.training.allocator import keep_freed_memory
from droplab.training.port import StoppedError
from droplab.training.samples import RunData


class SerialExecutor:
    """Carries out runs in the calling process."""

    def __init__(self, run_set: RunSet, data: RunData) -> None:
        self._run_set, self._data = run_set, data

    def run(self, runs: list[OpenRun], driver: Driver, stop: Callable[[], bool]) -> None:
        """See ``Executor``."""
        keep_freed_memory()
        threads = torch.get_num_threads()
        try:
            for run in runs:
                if stop():
                    return
                self._one(run, driver, stop)
        finally:
            torch.set_num_threads(threads)

    def _one(self, run: OpenRun, driver: Driver, stop: Callable[[], bool]) -> None:
        def commit(measurement: Measurement) -> None:
            driver.epoch(run.key, measurement)

        driver.started(run.key)
        try:
            carry_out(run, self._run_set.spec, self._run_set.plan, self._data, commit, driver.say, stop)
        except StoppedError:
            driver.interrupted(run.key)
        except LedgerError:
            raise  # no run's affair: nothing more can be kept
        except (Exception, SystemExit) as problem:  # noqa: BLE001  # whatever one run does, the others go on
            driver.failed(run.key, reason_of(problem), retry=may_retry(problem))
        else:
            driver.done(run.key)
