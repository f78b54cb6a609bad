"""On a node: one run, and its way to the driver.

What a run tells goes through the ``Mailbox``, each message with an answer to wait for: ``("begun", node)``, what is in
``telling.py``, ``("say", text)``, and of its state, which no node keeps, ``("kept", epochs, [reference], keep)`` and
``("latest", at_most)``.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, final

import ray
import torch

from droplab.execution.checkpoint import check_state, decoded, encoded
from droplab.execution.executors.base import Ending, Opened, RunSet, ending_of
from droplab.execution.executors.cluster.mailbox import QUIT
from droplab.execution.executors.reasons import reason_of
from droplab.execution.executors.telling import Telling
from droplab.execution.plan import OpenRun
from droplab.kernels import prepare_meanwhile
from droplab.training.allocator import keep_freed_memory
from droplab.training.port import Loaded, StoppedError, Store

UNOPENED = "unopened"
"""The state of a run whose run set cannot be opened on its node; so it would be with the others."""
_opened: dict[str, Opened] = {}
"""The run set that this worker process has open, by its name: one is opened once, for all runs that come here."""


def carry_out(mailbox: Any, attempt: int, run: OpenRun, name: str, run_set: list[Any], cargo: list[Any]) -> Ending:
    """A run, to its end; ``run_set`` and ``cargo`` are references, in lists so that they are fetched only if needed."""
    line = _Line(mailbox, attempt)
    try:
        line.told("begun", node_name())
        try:
            opened = _open(name, run_set, cargo)
        except (Exception, SystemExit) as problem:  # noqa: BLE001  # the node says what it lacks
            return Ending(UNOPENED, f"{node_name()}: {reason_of(problem)}{_missing(run_set)}")
        return ending_of(opened, run, _There(line))
    except StoppedError:
        return Ending("interrupted")


def _open(name: str, run_set: list[Any], cargo: list[Any]) -> Opened:
    if name not in _opened:
        _opened.clear()
        keep_freed_memory()
        prepare_meanwhile()
        chosen: RunSet = fetched(run_set[0])
        torch.set_num_threads(chosen.plan.threads)
        if chosen.directory.is_dir():
            os.chdir(chosen.directory)
        _opened[name] = chosen.open(fetched(cargo[0]))
    return _opened[name]


def _missing(run_set: list[Any]) -> str:
    directory: Path = fetched(run_set[0]).directory
    if directory.is_dir():
        return ""
    return (
        f". The folder {directory}, where this experiment's own modules are looked for, is not on that node: share it "
        "with the nodes, or give it to Ray as a working_dir"
    )


def fetched(reference: Any) -> Any:
    """What is at a reference. A task that waits in ``ray.get`` gives its CPUs away meanwhile; here it keeps them."""
    return reference.future().result()


def node_name() -> str:
    """The host's name and the first digits of the node's id: several nodes may be on one host."""
    return f"{socket.gethostname()} {ray.get_runtime_context().get_node_id()[:6]}"


@final
class _Line:
    """To the driver; when it is gone, so is the run."""

    def __init__(self, mailbox: Any, attempt: int) -> None:
        self._mailbox, self._attempt = mailbox, attempt
        self._stop = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        with suppress(Exception):  # the mailbox is gone, and the driver with it
            ray.get(self._mailbox.stopping.remote())
        self._stop.set()

    def stop(self) -> bool:
        return self._stop.is_set()

    def told(self, *message: Any) -> Any:
        try:
            answer = fetched(self._mailbox.tell.remote(self._attempt, message))
        except ray.exceptions.RayError:
            raise StoppedError from None
        if answer == QUIT:
            raise StoppedError
        (found,) = answer
        if isinstance(found, Exception):
            raise found
        return found


@final
class _There(Telling):
    """The port of a run on a node."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self.store: Store = _Kept(line)
        self.stop: Callable[[], bool] = line.stop

    def _told(self, *message: Any) -> Any:
        return self._line.told(*message)

    def say(self, text: str) -> None:
        self._line.told("say", text)


@final
class _Kept:
    """A run's state, with the driver."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._read_back = False

    def check(self, state: dict[str, Any], /) -> None:
        check_state(state)

    def save(self, epochs_done: int, state: dict[str, Any], /, *, keep: int = 2) -> None:
        raw = encoded(state, read_back=not self._read_back)
        self._read_back = True
        self._line.told("kept", epochs_done, [ray.put(raw)], keep)

    def latest(self, at_most: int | None = None, /) -> Loaded | None:
        found = self._line.told("latest", at_most)
        if found is None:
            return None
        epochs_done, (reference,) = found
        return Loaded(epochs_done, decoded(fetched(reference)))


def looks() -> Callable[[str], dict[str, Any]]:
    """What a node says of itself: a function that is sent by value, as droplab may not be there."""

    def look(directory: str) -> dict[str, Any]:
        import importlib
        import pathlib
        import platform

        found: dict[str, Any] = {"python": platform.python_version(), "folder": pathlib.Path(directory).is_dir()}
        for name in ("torch", "droplab"):
            try:
                found[name] = str(importlib.import_module(name).__version__)
            except Exception as problem:  # noqa: BLE001  # whatever it is, it stands in the message
                found[name] = f"{type(problem).__name__}: {problem}"
        return found

    look.__module__ = "__main__"
    return look
