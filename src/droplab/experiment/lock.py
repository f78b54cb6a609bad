"""One process at a time on an experiment's folder."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
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
    note = folder / "lock.txt"
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = note.read_text(encoding="utf-8").strip() if note.exists() else "another process"
        raise LockedError(
            f"{folder} is in use by {holder}. Wait for it or stop it; `droplab runs {folder}` shows its progress. "
            "--fresh starts the same experiment in a folder of its own."
        ) from None
    except OSError as problem:
        raise FailureError(
            f"{folder} cannot be written: {problem.strerror or problem}. What is done there is kept in its ledger, the "
            "opening of a test set too: copy the folder to a place that can be written, and work on the copy."
        ) from problem
    try:
        note.write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()
