"""Several runs at a time, each in a worker process; what a run tells the driver goes over a connection."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any, NamedTuple, final

from droplab.execution.carrying import packed, unpacked
from droplab.execution.executors import ProcessExecutor, Work
from droplab.execution.executors.worker import Answer, Line, serve
from droplab.execution.loop_carry_out import LoopSet, carry_out
from droplab.execution.loop_driver import LoopDriver
from droplab.execution.run import OpenRun
from droplab.records import Measurement, Notice, RunKey
from droplab.training.port import StoppedError
from droplab.training.run import Loop

_KEPT = "committed"


class _Given(NamedTuple):
    """What a worker begins with."""

    loops: LoopSet
    loop: bytes | None


@final
class _There:
    """The port of a run in a worker process."""

    def __init__(self, driver: Line, stop: Callable[[], bool]) -> None:
        self._driver = driver
        self.stop = stop

    def _told(self, *message: Any) -> None:
        self._driver.send(*message)
        if self._driver.receive() != _KEPT:
            raise StoppedError

    def planned(self, epochs: int) -> str:
        self._driver.send("planned", epochs)
        return str(self._driver.receive())

    def counted(self, epochs: int) -> None:
        self._told("counted", epochs)

    def epoch(self, measurement: Measurement) -> None:
        self._told("epoch", measurement)

    def restart(self) -> None:
        self._told("restart")

    def notice(self, notice: Notice) -> None:
        self._told("notice", notice)

    def say(self, text: str) -> None:
        self._driver.send("say", text)


def _main(connection: Connection[Any, Any], given: _Given, stop: Event) -> None:
    """A worker's life."""

    def begin() -> Answer:
        loop = unpacked(given.loops.loop_name, given.loop)

        def answer(message: Any, driver: Line) -> tuple[Any, ...]:
            state, *rest = carry_out(loop, message[1], given.loops, _There(driver, stop.is_set))
            return (state, *rest) if state == "failed" else (state,)

        return answer

    serve(connection, given.loops.plan.threads, given.loops.directory, begin)


def run_in_processes(
    loop: Loop, loops: LoopSet, runs: list[OpenRun], driver: LoopDriver, stop: Callable[[], bool]
) -> None:
    """Return when all runs have ended, or ``stop()`` said so.

    Raises:
        UserError: the loop cannot be sent to worker processes.
        FailureError: workers cannot be started.
    """

    def kept(do: Callable[..., None]) -> Callable[..., str]:
        def then(*told: Any) -> str:
            do(*told)
            return _KEPT

        return then

    def notice(_key: RunKey, notice: Notice) -> None:
        driver.notice(notice)

    asked = {
        "planned": driver.planned,
        "counted": kept(driver.counted),
        "restart": kept(driver.restart),
        "notice": kept(notice),
    }
    given = _Given(loops, packed(loops.loop_name, loop))
    with ProcessExecutor(Work(_main, given, loops.plan, daemon=False, asked=asked)) as executor:
        executor.run(runs, driver.runs, stop)
