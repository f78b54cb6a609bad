"""Ctrl-C and SIGTERM as a flag that the loops ask for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class StopFlag:
    """Becomes true when the process is asked to stop; remembers by which signal."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        return self.signal is not None

    @property
    def name(self) -> str:
        """``Ctrl-C`` or ``SIGTERM``."""
        return "Ctrl-C" if self.signal == signal.SIGINT else "SIGTERM"

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as shells have it."""
        return 128 + int(self.signal or 0)


@contextmanager
def stop_on_signals() -> Iterator[StopFlag]:
    """Turn the first Ctrl-C or SIGTERM into a flag; a second Ctrl-C interrupts at once.

    Outside the main thread signals cannot be caught, and the flag stays down.
    """
    flag = StopFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    before: dict[int, Any] = {}

    def handle(number: int, _frame: FrameType | None) -> None:
        if flag.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        flag.signal = number

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, handle)
    try:
        yield flag
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)
