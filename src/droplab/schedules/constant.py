"""``p`` as it is."""

from __future__ import annotations

from typing import ClassVar

from droplab.schedules.base import Schedule


class Constant(Schedule):
    """The site's ``p`` at every step.

    Equation: ``p(t) = p``. Boundaries: ``p`` at the first step, ``p`` after the last.

    Srivastava et al. 2014, *Dropout: a simple way to prevent neural networks from overfitting*, JMLR 15.

    >>> Constant()(step=3, steps=10, p=0.5)
    0.5
    """

    name: ClassVar[str] = "constant"
    paper: ClassVar[str] = "Srivastava et al. 2014, JMLR 15"

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """1."""
        return 1.0
