"""How often work is done that training could use the processor for."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """Keeps work at a share of one core: after ``c`` seconds of it there is rest for ``c / share``.

    Args:
        share: of one core.
        least: seconds of rest at least.
        most: seconds of rest at most.
        now: a clock.

    >>> clock = [0.0]
    >>> pace = Pace(0.02, 0.25, now=lambda: clock[0])
    >>> pace.spent(0.1)
    >>> pace.due, round(pace.left, 6)
    (False, 5.0)
    """

    def __init__(
        self, share: float, least: float, most: float = float("inf"), now: Callable[[], float] = time.monotonic
    ) -> None:
        self._share, self._least, self._most, self._now = share, least, most, now
        self._next = float("-inf")

    def spent(self, seconds: float) -> None:
        """Work of so many processor seconds is over."""
        self._next = self._now() + min(self._most, max(self._least, seconds / self._share))

    @property
    def left(self) -> float:
        """Seconds until there may be work again."""
        return max(0.0, self._next - self._now())

    @property
    def due(self) -> bool:
        """Whether there may be work."""
        return self.left == 0.0
