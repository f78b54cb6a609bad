"""Several runs at a time, each in a spawned process with its share of the threads."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any, Self

from droplab.errors import FailureError
from droplab.execution.executors import worker
from droplab.execution.executors.base import Driver, Ending, RunSet
from droplab.execution.executors.warned import Heard
from droplab.execution.plan import OpenRun

_POLL_SECONDS = 0.2
PATIENCE_SECONDS = 8.0
"""How long workers may take to stop; shorter than the grace after which the driver itself is ended."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class _Worker:
    """One worker process and the driver's end of its connection."""

    def __init__(self, run_set: RunSet) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection: Connection[Any, Any]
        self.connection, theirs = context.Pipe()
        self.stop = context.Event()
        own = multiprocessing.get_start_method(allow_none=True)
        args = theirs, run_set, self.stop, own
        self.process = context.Process(target=worker.main, args=args, daemon=run_set.daemon)
        with _threads_in_environment(run_set.plan.threads), _without_main():
            self.process.start()
        theirs.close()
        self.run: OpenRun | None = None

    def quit(self) -> None:
        self.stop.set()
        with suppress(OSError):  # it is gone already
            self.connection.send("quit")
        self.process.join(timeout=5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.connection.close()


@contextmanager
def _threads_in_environment(threads: int) -> Iterator[None]:
    """OpenMP and friends size their pools at start, from these."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep a starting worker from importing the script that runs here.

    It would run the script from its top, up to a call of droplab that starts workers again: hence the guard that
    multiprocessing asks of scripts. Workers know models and data by module and name, and need nothing of ``__main__``;
    what is defined there stays in its own process (``given.is_local``). A notebook or standard input have no file
    to import anyway.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class ProcessExecutor:
    """Hands runs to ``plan.workers`` worker processes, in order, as they become free.

    Use it in a ``with``; the workers end with it. A worker that dies (out of memory, say) fails its
    run, a new one takes its place, and the others go on.
    """

    def __init__(self, run_set: RunSet) -> None:
        self._run_set = run_set
        self._workers: list[_Worker] = []
        self._heard = Heard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        for one in self._workers:
            one.stop.set()
        for one in self._workers:
            one.quit()
        self._workers.clear()

    def start(self, runs: int) -> None:
        """Start the workers that are not there yet, no more than there are runs; wait until they have loaded the data.

        Raises:
            FailureError: a worker could not start; the message says why.
        """
        there = len(self._workers)
        try:
            for _ in range(there, min(self._run_set.plan.workers, runs)):
                self._workers.append(_Worker(self._run_set))
        except OSError as problem:  # no room in /dev/shm, no descriptors or processes left
            raise FailureError(
                f"worker processes cannot be started: {problem.strerror or problem}. compute.executor = 'serial' does "
                "without them"
            ) from problem
        for one in self._workers[there:]:
            self._expect_ready(one)

    def ask(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """What a function gives in every worker, in all of them at the same time.

        Args:
            function: of a module; called with the opened run set and ``arguments``.
            arguments: cross process borders.

        Raises:
            FailureError: it failed in one of them.
        """
        for one in self._workers:
            one.connection.send(("ask", function, arguments))
        found = []
        for one in self._workers:
            kind, *rest = self._next(one)
            if kind != "answer":
                raise FailureError(f"a worker process could not train: {(rest or [kind])[0]}")
            found.append(rest[0])
        return found

    def run(self, runs: list[OpenRun], driver: Driver, stop: Callable[[], bool]) -> None:
        """See ``Executor``."""
        if not runs:
            return
        self.start(len(runs))
        waiting, asked = list(reversed(runs)), math.inf
        while True:
            stopping = stop()
            if stopping:
                asked = min(asked, time.monotonic())
                self._end_hanging(driver, time.monotonic() - asked)
            for slot, one in enumerate(self._workers):
                if stopping:
                    one.stop.set()
                elif one.run is None and waiting:
                    self._workers[slot] = self._hand_over(one, waiting.pop(), driver)
            busy = [one for one in self._workers if one.run is not None]
            if not busy:
                return
            for ready in wait([one.connection for one in busy], timeout=_POLL_SECONDS):
                self._hear(next(one for one in busy if one.connection is ready), driver, stop)

    def _end_hanging(self, driver: Driver, seconds: float) -> None:
        """End workers that were asked to stop long ago; their epoch in hand is given up either way."""
        if seconds < PATIENCE_SECONDS:
            return
        for one in self._workers:
            if one.run is not None:
                one.process.kill()
                driver.ended(one.run.key, Ending("interrupted"))
                one.run = None

    def _hand_over(self, one: _Worker, run: OpenRun, driver: Driver) -> _Worker:
        if not one.process.is_alive():
            one.quit()
            one = _Worker(self._run_set)
            self._expect_ready(one)
        driver.started(run.key)
        one.run = run
        one.connection.send(("run", run))
        return one

    def _hear(self, one: _Worker, driver: Driver, stop: Callable[[], bool]) -> None:
        run = one.run
        assert run is not None
        kind, *rest = _receive(one)
        if kind in worker.ANSWERED:
            _send(one, ("told", getattr(driver, kind)(run.key, *rest)))
            return
        if kind == "say":
            driver.say(rest[0])
            return
        if kind == "warned":
            self._heard.hear(*rest)
            return
        one.run = None
        if kind == "ended by SIGTERM":  # as this process was, or is about to be, if the whole group was
            time.sleep(_POLL_SECONDS)
            kind, rest = "failed", [_ended_with(-signal.SIGTERM)]
            if stop():
                kind, rest = "ended", [Ending("interrupted")]
        driver.ended(run.key, rest[0] if kind == "ended" else Ending("failed", rest[0]))

    def _next(self, one: _Worker) -> tuple[Any, ...]:
        """The next message that is no warning; these are passed on."""
        while (message := _receive(one))[0] == "warned":
            self._heard.hear(*message[1:])
        return message

    def _expect_ready(self, one: _Worker) -> None:
        kind, *rest = self._next(one)
        if kind != "ready":
            why = rest[0] if rest else _ended_with(-signal.SIGTERM)
            raise FailureError(
                f"a worker process could not start: {why}. One process does without: compute.executor = 'serial'"
            )


def _send(one: _Worker, message: Any) -> None:
    with suppress(OSError):  # it died; the next receive says so
        one.connection.send(message)


def _receive(one: _Worker) -> tuple[Any, ...]:
    try:
        message: tuple[Any, ...] = one.connection.recv()
    except (EOFError, OSError):
        one.process.join(timeout=5)
        code = one.process.exitcode
        return ("ended by SIGTERM",) if code == -signal.SIGTERM else ("failed", _ended_with(code))
    return message


def _ended_with(code: int | None) -> str:
    killed = " (killed; the machine may have run out of memory)" if code == -9 else ""
    return f"the worker process ended with exit code {code}{killed}"
