"""Where runs on other machines and the driver meet: an actor of Ray's beside the driver."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import Any, final

QUIT = "quit"
"""The answer to a run that is no longer wanted."""


@final
class Mailbox:
    """Hands what runs tell to the driver, and the driver's answers to them. It goes when the driver goes."""

    def __init__(self) -> None:
        self._letters: asyncio.Queue[tuple[int, int, tuple[Any, ...]]] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._numbers = count()
        self._stop = asyncio.Event()

    async def tell(self, attempt: int, message: tuple[Any, ...]) -> Any:
        """From a run; the driver's answer, once it has done what the message says."""
        number = next(self._numbers)
        self._answers[number] = answer = asyncio.get_running_loop().create_future()
        self._letters.put_nowait((number, attempt, message))
        return await answer

    async def take(self, seconds: float) -> list[tuple[int, int, tuple[Any, ...]]]:
        """For the driver: ``(number, attempt, message)`` of all that has come; waits a while for the first."""
        try:
            found = [await asyncio.wait_for(self._letters.get(), seconds)]
        except TimeoutError:
            return []
        while not self._letters.empty():
            found.append(self._letters.get_nowait())
        return found

    async def answer(self, answers: Mapping[int, Any]) -> None:
        """From the driver, by number."""
        for number, value in answers.items():
            waiting = self._answers.pop(number)
            if not waiting.done():
                waiting.set_result(value)

    async def stop(self) -> None:
        """From the driver: all runs are to end between steps."""
        self._stop.set()

    async def stopping(self) -> None:
        """For runs: returns when they are to end."""
        await self._stop.wait()
