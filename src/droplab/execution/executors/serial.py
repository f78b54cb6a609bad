"""One run after another, in this process, with all threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

import torch

from droplab.errors import LedgerError
from droplab.execution.executors.base import Driver, Ending, Opened, ending_of
from droplab.execution.plan import OpenRun
from droplab.records import Measurement, Notice, RunKey
from droplab.training.allocator import keep_freed_memory


@final
class Here:
    """The port of a run in the driver's own process. An error of the ledger's is no run's affair; it is kept."""

    def __init__(self, key: RunKey, driver: Driver, stop: Callable[[], bool]) -> None:
        self._key, self._driver = key, driver
        self.stop = stop
        self.problem: LedgerError | None = None
        self.epochs: int | None = None
        """In all, where the run has said so."""
        self.done = 0
        """Of these, in the ledger."""

    def _told(self, tell: Callable[..., Any], *what: Any) -> Any:
        try:
            return tell(*what)
        except LedgerError as problem:
            self.problem = problem
            raise

    def planned(self, epochs: int) -> str:
        """See ``Port``."""
        self.epochs = epochs
        return str(self._told(self._driver.planned, self._key, epochs))

    def counted(self, epochs: int) -> None:
        """See ``Port``."""
        self._told(self._driver.counted, self._key, epochs)

    def epoch(self, measurement: Measurement) -> None:
        """See ``Port``."""
        self._told(self._driver.epoch, self._key, measurement)
        self.done = measurement.epoch + 1

    def restart(self) -> None:
        """See ``Port``."""
        self._told(self._driver.restart, self._key)

    def notice(self, notice: Notice) -> None:
        """See ``Port``."""
        self._told(self._driver.notice, self._key, notice)

    def also_in(self, sink: str, where: Mapping[str, str]) -> None:
        """See ``Port``."""
        self._told(self._driver.also_in, self._key, sink, where)

    def say(self, text: str) -> None:
        """See ``Port``."""
        self._told(self._driver.say, text)


class SerialExecutor:
    """Carries out runs in the calling process."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

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
        driver.started(run.key)
        port = Here(run.key, driver, stop)
        try:
            ending = ending_of(self._opened, run, port)
        except BaseException:  # a second Ctrl-C, in the middle of whatever the run does
            driver.ended(run.key, Ending("interrupted"))
            raise
        if port.problem is not None:
            raise port.problem  # nothing more can be kept
        driver.ended(run.key, ending)
