"""What an adaptive schedule is: a controller that moves ``p`` after each epoch, from what was measured.

Its state is a plain dictionary that JSON and checkpoints hold; nothing else is remembered, and nothing is
random, so a run that continues from a checkpoint moves ``p`` exactly as one that was never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from droplab.errors import UserError
from droplab.schedules.base import Described
from droplab.schedules.parameters import Share, SomeShare

State = dict[str, Any]
"""``p`` by site, ``direction`` (-1, 0 or 1: whether ``p`` is moving), and what a controller remembers."""
Rates = dict[str, float]
"""Drop rate by site."""


class Adaptive(Described):
    """An integral controller: each epoch ``p`` moves by ``gain`` times an error, within limits.

    The error is positive where more dropout is wanted. Hysteresis keeps noise from moving ``p``: a controller
    at rest stays at rest while the error is at most ``hysteresis`` in size; once it moves, it moves until the
    error has changed its sign, and rests again.

    Args:
        gain: change of ``p`` per epoch and unit of error, above 0.
        hysteresis: size of the error up to which a controller at rest stays at rest, at least 0.
        most: largest change of ``p`` in an epoch, in (0, 1].
        low: lower limit of ``p``.
        high: upper limit of ``p``; at least ``low``.
    """

    reads: ClassVar[tuple[str, ...]]
    """Metrics of an epoch that it needs."""
    reads_sites: ClassVar[tuple[str, ...]] = ()
    """Metrics that it needs for each site: ``NAME/SITE``."""

    gain: Annotated[float, Field(gt=0.0)]
    hysteresis: Annotated[float, Field(ge=0.0)]
    most: SomeShare = 0.1
    low: Share = 0.0
    high: Share = 0.9

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low must be at most high; got low={self.low}, high={self.high}")
        return self

    def start(self, p: Mapping[str, float]) -> tuple[State, Rates]:
        """State and rates for the first epoch: the sites' ``p``, brought within the limits.

        Args:
            p: drop rate by site, in the order of depth.

        Raises:
            UserError: there are no sites.
        """
        if not p:
            raise UserError(f"schedule {self.name!r} has no sites to act on")
        state: State = {"p": {site: self._limited(rate) for site, rate in p.items()}, "direction": 0}
        return state, dict(state["p"])

    def update(self, state: Mapping[str, Any], metrics: Mapping[str, float]) -> tuple[State, Rates]:
        """State and rates for the next epoch. Pure: ``state`` is not changed, equal arguments give equal results.

        Args:
            state: from ``start`` or the last ``update``.
            metrics: what the epoch measured, by name; where one that is needed is not finite, nothing moves.

        Raises:
            UserError: a metric that is needed is missing.
        """
        sites = list(state["p"])
        wanted = [*self.reads, *(f"{kind}/{site}" for kind in self.reads_sites for site in sites)]
        missing = [name for name in wanted if name not in metrics]
        if missing:
            raise UserError(f"schedule {self.name!r} needs the metrics {', '.join(wanted)}; missing: {missing}")
        after: State = {**state, "p": dict(state["p"])}
        if not all(math.isfinite(metrics[name]) for name in wanted):
            return after, dict(after["p"])
        error = self.error(after, metrics)
        after["direction"] = self._direction(after["direction"], error)
        if after["direction"]:
            change = min(max(self.gain * error, -self.most), self.most)
            for site, weight in self.weights(after, metrics, change).items():
                after["p"][site] = self._limited(after["p"][site] + change * weight)
        return after, dict(after["p"])

    def error(self, state: State, metrics: Mapping[str, float]) -> float:
        """How much more dropout is wanted; what must be remembered goes into ``state``, a copy that may change."""
        raise NotImplementedError

    def weights(self, state: State, metrics: Mapping[str, float], change: float) -> Rates:  # noqa: ARG002
        """Each site's part of a change, at least 0; 1 for all sites unless a controller says otherwise."""
        return dict.fromkeys(state["p"], 1.0)

    def _limited(self, rate: float) -> float:
        return min(max(float(rate), self.low), self.high)

    def _direction(self, direction: int, error: float) -> int:
        """At rest (0) until the error leaves the band, then its sign until the error has changed it."""
        if direction * error <= 0:
            direction = 0
        if direction == 0 and abs(error) > self.hysteresis:
            direction = 1 if error > 0 else -1
        return direction
