"""Down by a factor at given places."""

from __future__ import annotations

from typing import ClassVar

from droplab.schedules.base import Schedule
from droplab.schedules.parameters import Places, Share


class Step(Schedule):
    """``p``, multiplied by ``by`` at each of the places ``at``.

    Equation: ``p(t) = p by^k`` where ``k`` is the number of places that ``t`` has reached. Boundaries: ``p``
    at the first step (where 0 is not among the places), ``p by^len(at)`` after the last.

    No paper of its own; the staircase of learning rates, as in He et al. 2016, *Deep residual learning for
    image recognition*, CVPR. ``Piecewise`` takes any values.

    Args:
        at: shares of training, ascending, in [0, 1].
        by: the factor at each place, in [0, 1].

    >>> [Step()(step, 8, p=0.4) for step in (0, 3, 4, 6)]
    [0.4, 0.4, 0.2, 0.1]
    """

    name: ClassVar[str] = "step"
    paper: ClassVar[str] = "none of its own; He et al. 2016, CVPR (the staircase of learning rates)"

    at: Places = (0.5, 0.75)
    by: Share = 0.5

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """``by`` to the power of the places reached."""
        return float(self.by ** sum(place <= t for place in self.at))
