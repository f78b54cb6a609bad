"""A script as a training loop: each run is a process of its own, which calls ``droplab.run()``."""

from __future__ import annotations

import hashlib
import os
import queue
import secrets
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, wait
from pathlib import Path
from typing import Any, final

from droplab.errors import FailureError, UserError
from droplab.execution.executors.process import PATIENCE_SECONDS
from droplab.execution.launch_child import ADDRESS, KEPT, STOP, TOKEN, Task
from droplab.execution.launch_command import script_of
from droplab.execution.launch_output import Output
from droplab.execution.plan import OpenRun
from droplab.execution.runs import LoopSet
from droplab.training.port import Port, StoppedError

SCRIPTS = "launch"
"""The module of every script, in the names of loops."""
Outcome = tuple[str, str, bool]
"""``done``, ``stopped`` or ``failed``; the reason; and whether another try could end otherwise."""
_POLL_SECONDS = 0.1
_AT_ONCE = 0.1
"""A rank that is lost within so many seconds of another's error was lost before it."""


@final
class Launched:
    """A command that is started once for each run.

    Args:
        command: the words of the command line.
        directory: where it is started.

    >>> launched = Launched(("python", "train.py", "--lr", "3"), Path())
    >>> launched.__qualname__ == Launched(("python", "train.py", "--lr", "4"), Path()).__qualname__
    False
    """

    def __init__(self, command: tuple[str, ...], directory: Path) -> None:
        self.command = command
        script = script_of(command, directory)
        stem = "".join(letter if letter.isalnum() else "_" for letter in (script or Path(command[0])).stem)
        self.file = script.name if script else command[0]
        self.path = str(script or "")
        self.__module__ = SCRIPTS
        self.__qualname__ = f"{stem}.{hashlib.sha256(repr(command).encode()).hexdigest()[:8]}"

    def __call__(self, run: object) -> None:
        """It is no function: ``carry_out`` starts it."""
        raise TypeError(f"{self.file} is started, not called: {run!r}")

    def carry_out(self, run: OpenRun, loops: LoopSet, port: Port) -> None:
        """Start the script for one run, and serve it until it has ended.

        Raises:
            StoppedError: ``port.stop()`` said so.
            UserError: it failed, and would again.
            FailureError: it failed.
        """
        state, reason, retry = self._outcome(run, loops, port)
        if state == "stopped":
            raise StoppedError
        if state == "failed":
            raise FailureError(reason) if retry else UserError(reason)

    def _outcome(self, run: OpenRun, loops: LoopSet, port: Port) -> Outcome:
        arm = next(arm for arm in loops.arms if arm.name == run.key.arm)
        task = Task(run, arm, loops.terms, loops.plan.threads)
        with _door() as (address, token, arrivals), tempfile.TemporaryDirectory() as logs:
            threads = str(loops.plan.threads)
            environment = {
                **os.environ,
                **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
                ADDRESS: address,
                TOKEN: token,
                "PYTHONUNBUFFERED": "1",  # the last lines before a crash
                "PET_TEE": "3",  # torchrun says whose line it is
                "PET_LOG_DIR": logs,
            }
            try:
                process = subprocess.Popen(  # noqa: S603  # the user's own command
                    self.command,
                    cwd=loops.directory,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C reaches the whole group; the driver decides
                )
            except OSError as problem:
                return "failed", f"{self.command[0]} cannot be started: {problem.strerror or problem}", False
            output = Output(process)
            try:
                return _Serving(self.file, process, task, port, arrivals).until_it_ends(output)
            finally:
                _kill(process)
                output.close(run.folder)


@contextmanager
def _door() -> Iterator[tuple[str, str, queue.SimpleQueue[Connection[Any, Any]]]]:
    """An address of this machine, a token, and who has come with it."""
    token = secrets.token_bytes(32)
    arrivals: queue.SimpleQueue[Connection[Any, Any]] = queue.SimpleQueue()
    with Listener(authkey=token) as listener:
        closed = threading.Event()

        def accept() -> None:
            while not closed.is_set():
                with suppress(AuthenticationError, EOFError, OSError):  # a stranger, or one who left
                    arrivals.put(listener.accept())

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield str(listener.address), token.hex(), arrivals
        finally:
            closed.set()
            with suppress(OSError, EOFError, AuthenticationError):
                Client(listener.address, authkey=token).close()  # so that accept returns
            thread.join(timeout=1.0)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The script, and what it has started."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


@final
class _Serving:
    """What one script says, and how it ends."""

    def __init__(
        self,
        file: str,
        process: subprocess.Popen[bytes],
        task: Task,
        port: Port,
        arrivals: queue.SimpleQueue[Connection[Any, Any]],
    ) -> None:
        self._file, self._process, self._task, self._port, self._arrivals = file, process, task, port, arrivals
        self._ranks: dict[Connection[Any, Any], int] = {}
        self._came: set[int] = set()
        self._finished: set[int] = set()
        self._lost: int | None = None
        """The first rank whose connection broke."""
        self._failed: tuple[int, str, bool] | None = None
        self._failed_at = 0.0
        self._told_to_stop = 0.0
        self._do: dict[str, Callable[..., Any]] = {
            "planned": port.planned,
            "counted": port.counted,
            "epoch": port.epoch,
            "restart": port.restart,
            "notice": port.notice,
            "also_in": port.also_in,
        }

    def until_it_ends(self, output: Output) -> Outcome:
        while self._process.poll() is None:
            self._hear(_POLL_SECONDS)
            if self._port.stop() and not self._told_to_stop:
                self._told_to_stop = time.monotonic()
                for connection in self._ranks:
                    _send(connection, STOP)
                if not self._ranks:
                    break
            if self._told_to_stop and time.monotonic() - self._told_to_stop > PATIENCE_SECONDS / 2:
                break
        while self._ranks and self._hear(0.0):
            pass
        return self._outcome(output)

    def _hear(self, seconds: float) -> bool:
        """Whether there was anything."""
        if not self._ranks:
            with suppress(queue.Empty):
                self._welcome(self._arrivals.get(timeout=seconds or 0.01))
        while not self._arrivals.empty():
            self._welcome(self._arrivals.get())
        ready = wait(list(self._ranks), timeout=seconds) if self._ranks else []
        for connection in ready:
            assert isinstance(connection, Connection)
            try:
                self._answer(connection, connection.recv())
            except (EOFError, OSError):
                rank = self._ranks.pop(connection)
                if rank not in self._finished and self._lost is None:
                    self._lost = rank
                    if time.monotonic() - self._failed_at < _AT_ONCE:
                        self._failed = None  # by what this one has left behind
        return bool(ready)

    def _welcome(self, connection: Connection[Any, Any]) -> None:
        try:
            _, rank, _ = connection.recv()
        except (EOFError, OSError, ValueError):
            return
        if rank in self._came:
            _send(
                connection,
                f"another process of {self._file} has called droplab.run() already; one run is one process, or the "
                "ranks of one torchrun. Where the script starts processes itself, call droplab.run() in one of them, "
                "and keep it under `if __name__ == '__main__':`",
            )
            return
        self._came.add(rank)
        self._ranks[connection] = rank
        _send(connection, self._task)
        if self._told_to_stop:
            _send(connection, STOP)

    def _answer(self, connection: Connection[Any, Any], message: tuple[Any, ...]) -> None:
        kind, *rest = message
        rank = self._ranks[connection]
        if kind == "say":
            self._port.say(rest[0])
        elif kind in self._do:
            try:
                answer = self._do[kind](*rest)
            except StoppedError:
                self._told_to_stop = self._told_to_stop or time.monotonic()
                _send(connection, STOP)
                return
            _send(connection, answer if kind == "planned" else KEPT)
        else:
            self._finished.add(rank)
            if kind == "failed" and self._failed is None and self._lost is None:
                self._failed, self._failed_at = (rank, rest[0], rest[1]), time.monotonic()

    def _outcome(self, output: Output) -> Outcome:
        """How the script has ended, for the ledger."""
        if self._told_to_stop:
            return "stopped", "", True
        code = self._process.poll()
        several = len(self._came) > 1
        if self._failed is not None:
            rank, reason, retry = self._failed
            return "failed", f"rank {rank}: {reason}" if several else reason, retry
        if not self._came:
            how = "ended" if code == 0 else f"ended {_with(code)}"
            reason = (
                f"{self._file} {how} and never called droplab.run(). Add to it: run = droplab.run(), then "
                "model = run.prepare(Net), for epoch in run.epochs(…), run.step() and run.report(…)"
                if code == 0
                else f"{self._file} {how} before it called droplab.run()"
            )
            return "failed", reason + output.last(), True
        if code == 0 and self._lost is None:
            return "done", "", True
        if several and self._lost is not None:
            others = "the other one" if len(self._came) == 2 else "the others"
            return (
                "failed",
                f"rank {self._lost} of {self._file} was lost, and with it {others}" + output.last(self._lost),
                True,
            )
        return "failed", f"{self._file} ended {_with(code)}" + output.last(), True


def _send(connection: Connection[Any, Any], message: Any) -> None:
    with suppress(OSError):  # it has ended, and that is heard too
        connection.send(message)


def _with(code: int | None) -> str:
    if code is not None and code < 0:
        killed = " (killed; the machine may have run out of memory)" if code == -9 else ""
        return f"by signal {-code}{killed}"
    return f"with exit code {code}" + (", not by its own end (os._exit)" if code == 0 else "")
