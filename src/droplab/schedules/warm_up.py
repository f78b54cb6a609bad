"""Up from zero, then constant."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from droplab.schedules.base import Schedule


class WarmUp(Schedule):
    """A straight line from 0 to ``p`` over the first part of training, then ``p``.

    Equation: ``p(t) = p min(1, t / until)``. Boundaries: 0 at the first step, ``p`` from ``until`` on.

    No paper of its own; the warm-up of learning rates, Goyal et al. 2017, *Accurate, large minibatch SGD*,
    arXiv 1706.02677. ``Late`` switches on at once.

    Args:
        until: share of training at which ``p`` is reached, in (0, 1].

    >>> [WarmUp(until=0.2)(step, 10, p=0.5) for step in (0, 1, 2, 9)]
    [0.0, 0.25, 0.5, 0.5]
    """

    name: ClassVar[str] = "warm-up"
    paper: ClassVar[str] = "none of its own; Goyal et al. 2017, arXiv 1706.02677 (the warm-up of learning rates)"

    until: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """``min(1, t / until)``."""
        return min(1.0, t / self.until)
