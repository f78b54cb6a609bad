"""Curriculum dropout: fast up at first, then ever slower towards ``p``."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field

from droplab.schedules.base import Schedule


class Curriculum(Schedule):
    """From no dropout towards ``p``, exponentially: easy examples first.

    Equation: ``p(t) = p (1 - exp(-gamma t))``. Boundaries: 0 at the first step, ``p (1 - exp(-gamma))`` after
    the last.

    Morerio et al. 2017, *Curriculum dropout*, ICCV. The paper speaks of the probability to *keep* a unit,
    ``θ(s) = (1 - θ̄) exp(-γ s) + θ̄`` at update ``s``; with ``p = 1 - θ̄`` the probability to drop is
    ``p (1 - exp(-γ s))``. Its rule is ``γ = 10 / T`` for ``T`` updates in all, so ``γ s`` is ``10 t``: the
    default here. ``p`` is then reached to within ``exp(-10)``, 0.005 %.

    Args:
        gamma: the paper's γ times the number of updates, above 0.

    >>> [round(Curriculum()(step, 10, p=0.5), 4) for step in (0, 1, 5, 10)]
    [0.0, 0.3161, 0.4966, 0.5]
    """

    name: ClassVar[str] = "curriculum"
    paper: ClassVar[str] = "Morerio et al. 2017, ICCV"

    gamma: Annotated[float, Field(gt=0.0)] = 10.0

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """``1 - exp(-gamma t)``."""
        return -math.expm1(-self.gamma * t)
