"""Half a cosine wave."""

from __future__ import annotations

import math
from typing import ClassVar

from droplab.schedules.base import Schedule
from droplab.schedules.parameters import Share


class Cosine(Schedule):
    """Half a cosine wave from ``start`` to ``end``, both shares of the site's ``p``: flat at both ends.

    Equation: ``p(t) = p (end + (start - end) (1 + cos(π t)) / 2)``. Boundaries: ``start p`` at the first
    step, ``end p`` after the last.

    The shape is that of Loshchilov & Hutter 2017, *SGDR: stochastic gradient descent with warm restarts*,
    ICLR, where it is a learning rate's.

    Args:
        start: share of ``p`` at the first step, in [0, 1].
        end: share of ``p`` after the last step, in [0, 1].

    >>> [round(Cosine(start=1, end=0)(step, 10, p=0.5), 6) for step in (0, 5, 10)]
    [0.5, 0.25, 0.0]
    """

    name: ClassVar[str] = "cosine"
    paper: ClassVar[str] = "Loshchilov & Hutter 2017, ICLR (the shape)"

    start: Share = 0.0
    end: Share = 1.0

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """``end + (start - end) (1 + cos(π t)) / 2``."""
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * t)) / 2
