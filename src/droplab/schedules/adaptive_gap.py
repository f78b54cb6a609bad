"""Hold the generalisation gap near a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, final

from pydantic import Field

from droplab.schedules.adaptive import Adaptive, State


class GapControl(Adaptive):
    """What acts on how far the gap is from its target."""

    reads: ClassVar[tuple[str, ...]] = ("gap",)

    target: float = 0.3
    gain: Annotated[float, Field(gt=0.0)] = 1.0
    hysteresis: Annotated[float, Field(ge=0.0)] = 0.05

    def error(self, state: State, metrics: Mapping[str, float]) -> float:  # noqa: ARG002
        """``gap - target``."""
        return metrics["gap"] - self.target


@final
class AdaptiveGap(GapControl):
    """More dropout while the generalisation gap is above its target, less while it is below.

    Equation: ``p ← clip(p + clip(gain (gap - target), ±most), low, high)`` after each epoch, at all sites
    alike, unless the controller rests (see ``Adaptive``). Boundaries: the arm's ``p``, within the limits, in
    the first epoch; any value within the limits after the last.

    No paper: textbook integral control (Åström & Murray 2021, *Feedback systems*, 2nd ed., chapter 11) with
    saturation and hysteresis. The gap is validation loss minus training loss, both in eval mode, so dropout's
    own noise is not counted. Controlling on the validation set uses it as much as early stopping does.

    Args:
        target: the gap to hold, in nats.
        gain: change of ``p`` per epoch and nat.
        hysteresis: nats around the target within which a controller at rest stays at rest.
        most: largest change of ``p`` in an epoch.
        low: lower limit of ``p``.
        high: upper limit of ``p``.

    >>> control = AdaptiveGap(target=0.2, gain=0.1)
    >>> state, p = control.start({"drop1": 0.3})
    >>> state, p = control.update(state, {"gap": 0.6}); round(p["drop1"], 6)
    0.34
    >>> state, p = control.update(state, {"gap": 0.19}); round(p["drop1"], 6)
    0.34
    """

    name: ClassVar[str] = "adaptive-gap"
    paper: ClassVar[str] = "none; integral control (Åström & Murray 2021, chapter 11)"
