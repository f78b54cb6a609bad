"""A straight line."""

from __future__ import annotations

from typing import ClassVar

from droplab.schedules.base import Schedule
from droplab.schedules.parameters import Share


class Linear(Schedule):
    """A straight line from ``start`` to ``end``, both shares of the site's ``p``.

    Equation: ``p(t) = p (start + (end - start) t)``. Boundaries: ``start p`` at the first step, ``end p``
    after the last.

    With the defaults, ScheduledDropPath's rule: Zoph et al. 2018, *Learning transferable architectures for
    scalable image recognition*, CVPR (the drop rate of a path rises linearly over training).

    Args:
        start: share of ``p`` at the first step, in [0, 1].
        end: share of ``p`` after the last step, in [0, 1].

    >>> [Linear()(step, 10, p=0.5) for step in (0, 5, 10)]
    [0.0, 0.25, 0.5]
    """

    name: ClassVar[str] = "linear"
    paper: ClassVar[str] = "Zoph et al. 2018, CVPR (ScheduledDropPath)"

    start: Share = 0.0
    end: Share = 1.0

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """``start + (end - start) t``."""
        return self.start + (self.end - self.start) * t
