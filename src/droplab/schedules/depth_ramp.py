"""More dropout the deeper the site."""

from __future__ import annotations

from typing import ClassVar

from droplab.schedules.base import Schedule
from droplab.schedules.parameters import Share


class DepthRamp(Schedule):
    """A line over depth, constant over time: the last site gets ``p``, those before it less.

    Equation: ``p_l = p (first + (1 - first) (l - 1) / (L - 1))`` for site ``l`` of ``L``; with ``first``
    absent, ``p_l = p l / L``. Boundaries: the same at the first step and after the last; the deepest site,
    or a single one, has ``p``.

    Huang et al. 2016, *Deep networks with stochastic depth*, ECCV: block ``l`` of ``L`` survives with
    ``1 - (l / L) (1 - p_L)``; that is the rule without ``first``. ``first = 0`` is the usual variant that
    leaves the first block alone. Depth is the order of the model's modules. Over time as well: ``Product``.

    Args:
        first: share of ``p`` at the first site, in [0, 1]; the paper's ``1 / L`` where absent.

    >>> [DepthRamp()(0, 1, p=0.4, site=site, sites=4) for site in range(4)]
    [0.1, 0.2, 0.30000000000000004, 0.4]
    """

    name: ClassVar[str] = "depth-ramp"
    paper: ClassVar[str] = "Huang et al. 2016, ECCV"

    first: Share | None = None

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """``l / L``, or the line from ``first``."""
        if sites == 1:
            return 1.0
        first = 1 / sites if self.first is None else self.first
        return first + (1 - first) * site / (sites - 1)
