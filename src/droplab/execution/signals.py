"""Ctrl-C and SIGTERM as a flag that the loops ask for, and an end for what does not ask."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

GRACE_SECONDS = 10.0
"""After SIGTERM a process that has not stopped by itself in this time is ended: a model may hang."""


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
def stop_on_signals(give_up: Callable[[], None] = lambda: None) -> Iterator[StopFlag]:
    """Turn the first Ctrl-C or SIGTERM into a flag; a second Ctrl-C interrupts at once.

    Where the main thread does not leave the block within ``GRACE_SECONDS`` of a SIGTERM, the process ends with
    exit code 143. Outside the main thread signals cannot be caught, and the flag stays down.

    Args:
        give_up: called right before that, in another thread.
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

    with _ended_after_sigterm(give_up):
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, handle)
        try:
            yield flag
        finally:
            for caught, handler in before.items():
                signal.signal(caught, handler)


@contextmanager
def _ended_after_sigterm(give_up: Callable[[], None]) -> Iterator[None]:
    """A thread that hears of signals even while the main thread is in foreign code that does not return."""
    heard, ours = socket.socketpair()
    ours.setblocking(False)
    left = threading.Event()
    before = signal.set_wakeup_fd(ours.fileno(), warn_on_full_buffer=False)

    def watch() -> None:
        with suppress(OSError):
            while number := heard.recv(1):
                if number[0] == signal.SIGTERM and not left.wait(GRACE_SECONDS):
                    with suppress(Exception):
                        give_up()
                    _end()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(before)
        ours.close()
        thread.join(timeout=1.0)
        heard.close()


def _end() -> None:
    with suppress(Exception):
        print(  # noqa: T201  # nobody else can say it
            f"droplab: stopped by SIGTERM; what was running did not stop by itself within {GRACE_SECONDS:g} s. "
            "Finished epochs are kept; run the same command again to continue.",
            file=sys.stderr,
            flush=True,
        )
    os._exit(128 + signal.SIGTERM)
