"""Hold the generalisation gap near a target, most at the sites whose layers have grown most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, final

from pydantic import Field

from droplab.schedules.adaptive import Rates, State
from droplab.schedules.adaptive_gap import GapControl

_FARTHEST = 1e3
"""Growth beyond it, and shrinkage beyond its inverse, count as that much; a weight of norm 0 as unchanged."""


@final
class AdaptiveSiteGap(GapControl):
    """``adaptive-gap``, with each change shared out over the sites by how their layers' weights have grown.

    Equation: with ``r_s`` the L2 norm of the weight that site ``s`` feeds over its norm after the first epoch,
    a change of ``p`` at ``s`` is the common one times ``w_s``; ``w_s = r_s^sharpness`` where ``p`` rises and
    ``r_s^-sharpness`` where it falls, divided by their mean over the sites, so that the mean change is
    ``adaptive-gap``'s (until a site reaches a limit). Boundaries: the arm's ``p``, within the limits, in the
    first epoch; any value within the limits after the last.

    Why norms: a network's distance between training and validation error is bounded by the norms of its
    layers' weights (Neyshabur et al. 2015, *Norm-based capacity control in neural networks*, COLT), training
    grows them, and dropout acts as a penalty on the weights it feeds (Wager et al. 2013, *Dropout training as
    adaptive regularization*, NIPS). A norm is measured without sampling noise, unlike the gradients of one
    batch. That it helps is a guess of ours, to be judged by experiment.

    Args:
        sharpness: exponent of the growth, in [0, 10]; with 0 it is ``adaptive-gap``.
        target: the gap to hold, in nats.
        gain: mean change of ``p`` per epoch and nat.
        hysteresis: nats around the target within which a controller at rest stays at rest.
        most: largest mean change of ``p`` in an epoch.
        low: lower limit of ``p``.
        high: upper limit of ``p``.

    >>> control = AdaptiveSiteGap(target=0.2, gain=0.1, sharpness=1)
    >>> state, p = control.start({"drop1": 0.3, "drop2": 0.3})
    >>> state, p = control.update(state, {"gap": 0.2, "site_norm/drop1": 2.0, "site_norm/drop2": 4.0})
    >>> state, p = control.update(state, {"gap": 0.6, "site_norm/drop1": 2.0, "site_norm/drop2": 12.0})
    >>> {site: round(rate, 6) for site, rate in p.items()}
    {'drop1': 0.32, 'drop2': 0.36}
    """

    name: ClassVar[str] = "adaptive-site-gap"
    paper: ClassVar[str] = "none; weights' norms as in Neyshabur et al. 2015, COLT"
    reads_sites: ClassVar[tuple[str, ...]] = ("site_norm",)

    sharpness: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0

    def error(self, state: State, metrics: Mapping[str, float]) -> float:
        """``gap - target``; the first epoch's norms are remembered."""
        if "norms" not in state:
            state["norms"] = {site: metrics[f"site_norm/{site}"] for site in state["p"]}
        return super().error(state, metrics)

    def weights(self, state: State, metrics: Mapping[str, float], change: float) -> Rates:
        """The growths, to the power of ``sharpness`` or its negative, divided by their mean."""
        power = self.sharpness if change > 0 else -self.sharpness
        grown = {}
        for site, first in state["norms"].items():
            now = metrics[f"site_norm/{site}"]
            ratio = now / first if now > 0 and first > 0 else 1.0
            grown[site] = min(max(ratio, 1 / _FARTHEST), _FARTHEST) ** power
        mean = sum(grown.values()) / len(grown)
        return {site: growth / mean for site, growth in grown.items()}
