"""One process at a time on an experiment's folder."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from droplab.errors import FailureError, LockedError


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the folder; the system lets go of it when the process ends, however it ends.

    Raises:
        LockedError: another process holds it; the message names that process.
        FailureError: the folder cannot be written.
    """
    path = folder / ".lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = _noted(path) or "another process"
        raise LockedError(
            f"{folder} is in use by {holder}. Wait for it or stop it; `droplab runs {folder}` shows its progress. "
            "--fresh (fresh=True) starts the same experiment in a folder of its own."
        ) from None
    except OSError as problem:
        raise FailureError(
            f"{folder} cannot be written: {problem.strerror or problem}. What is done there is kept in its ledger, the "
            "opening of a test set too: copy the folder to a place that can be written, and work on the copy."
        ) from problem
    try:
        _note(path, f"process {os.getpid()} on {platform.node()}\n")
        yield
    finally:
        _note(path, "")
        lock.release()


def _note(path: Path, text: str) -> None:
    """Write who holds the lock into its own file, which ``filelock`` opened without following links, nor do we."""
    with suppress(OSError):  # Windows lets nobody write while it is locked
        number = os.open(path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)


def _noted(path: Path) -> str:
    with suppress(OSError, ValueError):
        return path.read_text(encoding="utf-8")[:200].strip()
    return ""
