"""From threads that look at ledgers to the streams of a server: something is new."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Wake:
    """Wakes whoever waits. ``now`` and ``end`` may be called from any thread."""

    def __init__(self) -> None:
        self.over = False
        """Whether streams are to end."""
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()

    def now(self) -> None:
        """Something is new."""
        with self._lock:
            waiting = list(self._waiting.items())
        for event, loop in waiting:
            with suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(event.set)

    def end(self) -> None:
        """Nothing will be."""
        self.over = True
        self.now()

    @contextmanager
    def waiter(self) -> Iterator[asyncio.Event]:
        """An event of the running loop, set when something is new; whoever waits clears it."""
        event = asyncio.Event()
        with self._lock:
            self._waiting[event] = asyncio.get_running_loop()
        try:
            yield event
        finally:
            with self._lock:
                del self._waiting[event]
