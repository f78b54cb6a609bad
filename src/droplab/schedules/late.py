"""Late dropout: off at first, then on."""

from __future__ import annotations

from typing import ClassVar

from droplab.schedules.base import Schedule
from droplab.schedules.parameters import Share


class Late(Schedule):
    """Dropout in the later part of training only, against overfitting.

    Equation: ``p(t) = 0`` for ``t < since``, then ``p``. Boundaries: 0 at the first step (where ``since`` is
    above 0), ``p`` from ``since`` on.

    Liu et al. 2023, *Dropout reduces underfitting*, ICML, section on late dropout. The default is the
    authors' recipe for ViT-B's stochastic depth: off for the first 50 of 300 epochs.

    Args:
        since: share of training from which dropout is on, in [0, 1].

    >>> [Late(since=0.5)(step, 8, p=0.4) for step in (0, 3, 4, 7)]
    [0.0, 0.0, 0.4, 0.4]
    """

    name: ClassVar[str] = "late"
    paper: ClassVar[str] = "Liu et al. 2023, ICML"

    since: Share = 1 / 6

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """0 before ``since``, 1 from there."""
        return 1.0 if t >= self.since else 0.0
