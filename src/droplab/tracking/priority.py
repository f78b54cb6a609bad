"""Sinks get the processor when training leaves it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

LOWEST = 19
_PROC = Path("/proc")
_SECONDS = 0.5


def stay_low() -> None:
    """Put this process, and whatever processes it will start, at the lowest priority; where a system cannot, do less.

    Linux shares the processor out between sessions first (``sched_autogroup``), and niceness counts only within one.
    A process in a session of its own, and each that it starts in another (as W&B does), therefore has to lower its
    session as well; else a sink takes half of a processor that training could use.
    """
    with suppress(OSError, AttributeError):
        os.nice(LOWEST)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # does not preempt the training when it wakes
    if not hasattr(os, "getsid") or not (_PROC / "self" / "autogroup").exists():
        return
    if os.getsid(0) == os.getpid():
        _lower(os.getpid())
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    """Lower sessions as they appear."""
    seen = {os.getsid(0)}
    waiter = threading.Event()
    while not waiter.wait(_SECONDS):
        for process in _descendants(os.getpid()):
            with suppress(OSError):
                session = os.getsid(process)
                if session not in seen:
                    seen.add(session)
                    _lower(process)


def _lower(process: int) -> None:
    with suppress(OSError):  # a kernel that lets nobody
        (_PROC / str(process) / "autogroup").write_text(str(LOWEST), encoding="ascii")


def _descendants(process: int) -> list[int]:
    found: list[int] = []
    for children in (_PROC / str(process) / "task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text(encoding="ascii").split():
                found += [int(child), *_descendants(int(child))]
    return found
