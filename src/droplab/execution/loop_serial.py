"""One run after another, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch

from droplab.errors import LedgerError
from droplab.execution.loop_carry_out import LoopSet, carry_out
from droplab.execution.loop_driver import LoopDriver
from droplab.execution.run import OpenRun
from droplab.records import Measurement, Notice, RunKey
from droplab.training.run import Loop


@final
class _Here:
    """The port of a run in the driver's own process. An error of the ledger's is no run's affair; it is kept."""

    def __init__(self, key: RunKey, driver: LoopDriver, stop: Callable[[], bool]) -> None:
        self._key, self._driver = key, driver
        self.stop = stop
        self.problem: LedgerError | None = None

    def planned(self, epochs: int) -> str:
        return self._driver.planned(self._key, epochs)

    def counted(self, epochs: int) -> None:
        self._driver.counted(self._key, epochs)

    def epoch(self, measurement: Measurement) -> None:
        try:
            self._driver.runs.epoch(self._key, measurement)
        except LedgerError as problem:
            self.problem = problem
            raise

    def restart(self) -> None:
        self._driver.restart(self._key)

    def notice(self, notice: Notice) -> None:
        self._driver.notice(notice)

    def say(self, text: str) -> None:
        self._driver.runs.say(text)


def run_serially(loop: Loop, loops: LoopSet, runs: list[OpenRun], driver: LoopDriver, stop: Callable[[], bool]) -> None:
    """Return when all runs have ended, or ``stop()`` said so."""
    threads = torch.get_num_threads()
    try:
        for run in runs:
            if stop():
                return
            driver.runs.started(run.key)
            port = _Here(run.key, driver, stop)
            try:
                outcome = carry_out(loop, run, loops, port)
            except BaseException:  # a second Ctrl-C, in the middle of whatever the loop does
                driver.runs.interrupted(run.key)
                raise
            if port.problem is not None:
                raise port.problem
            driver.ended(run.key, outcome)
    finally:
        torch.set_num_threads(threads)
