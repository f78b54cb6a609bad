"""Answer a rising validation loss."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Annotated, ClassVar, final

from pydantic import Field

from droplab.schedules.adaptive import Adaptive, State
from droplab.schedules.parameters import Share


@final
class AdaptiveSlope(Adaptive):
    """More dropout while the validation loss rises, a little less while it falls.

    Equation: with ``s`` the least-squares slope of the last ``window`` validation losses, ``error = s`` where
    it is positive and ``release s`` where it is negative; then ``p ← clip(p + clip(gain error, ±most), low,
    high)``, unless the controller rests (see ``Adaptive``). Boundaries: the arm's ``p``, within the limits, in
    the first ``window`` epochs; any value within the limits after the last.

    A sum of slopes is a rise: ``p`` has risen by about ``gain`` times as much as the validation loss, in nats.
    ``release`` is below 1 because a loss that falls is what learning, and dropout that has done its work, look
    like.

    No paper: early stopping's signal (Prechelt 1998, *Early stopping - but when?*, Springer LNCS 1524) in
    place of its end.

    Args:
        window: epochs that the slope is taken over, at least 2.
        release: weight of a falling loss, in [0, 1]; 0 never lowers ``p``.
        gain: change of ``p`` per epoch, for a slope of one nat per epoch.
        hysteresis: size of the error, in nats per epoch, up to which a controller at rest stays at rest.
        most: largest change of ``p`` in an epoch.
        low: lower limit of ``p``.
        high: upper limit of ``p``.

    >>> control = AdaptiveSlope(window=2, gain=1.0)
    >>> state, p = control.start({"drop1": 0.3})
    >>> for loss in (1.0, 1.04):
    ...     state, p = control.update(state, {"val_loss": loss})
    >>> round(p["drop1"], 6)
    0.34
    """

    name: ClassVar[str] = "adaptive-slope"
    paper: ClassVar[str] = "none; the signal is early stopping's (Prechelt 1998)"
    reads: ClassVar[tuple[str, ...]] = ("val_loss",)

    window: Annotated[int, Field(ge=2)] = 5
    release: Share = 0.25
    gain: Annotated[float, Field(gt=0.0)] = 3.0
    hysteresis: Annotated[float, Field(ge=0.0)] = 0.005

    def error(self, state: State, metrics: Mapping[str, float]) -> float:
        """The slope, or ``release`` times it; 0 until there are ``window`` losses."""
        losses = [*state.get("losses", []), metrics["val_loss"]][-self.window :]
        state["losses"] = losses
        if len(losses) < self.window:
            return 0.0
        found = slope(losses)
        return found if found > 0 else self.release * found


def slope(values: list[float]) -> float:
    """Least-squares slope of values at equal distances.

    >>> slope([1.0, 3.0, 5.0])
    2.0
    """
    middle, mean = (len(values) - 1) / 2, fmean(values)
    squares = sum((place - middle) ** 2 for place in range(len(values)))
    return sum((place - middle) * (value - mean) for place, value in enumerate(values)) / squares
