"""From a table."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from droplab.schedules.base import Schedule
from droplab.schedules.parameters import Places, Share


class Piecewise(Schedule):
    """Values from a table: ``values[i]``, a share of the site's ``p``, from the place ``at[i]`` on.

    Equation: ``p(t) = p values[i]`` with the last ``i`` where ``at[i] <= t`` (``hold``), or the straight line
    between neighbours (``linear``). Before the first place the first value holds. Boundaries:
    ``p values[0]`` at the first step, ``p values[-1]`` after the last.

    No paper: a table says what it does.

    Args:
        at: shares of training, ascending, in [0, 1].
        values: shares of ``p``, in [0, 1], as many as places.
        between: ``hold`` or ``linear``.

    >>> table = Piecewise(at=[0, 0.5], values=[0.2, 1.0])
    >>> [table(step, 8, p=0.5) for step in (0, 3, 4, 8)]
    [0.1, 0.1, 0.5, 0.5]
    """

    name: ClassVar[str] = "piecewise"
    paper: ClassVar[str] = "none"

    at: Places
    values: Annotated[tuple[Share, ...], Field(min_length=1)]
    between: Literal["hold", "linear"] = "hold"

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if len(self.at) != len(self.values):
            raise ValueError(f"at has {len(self.at)} places and values has {len(self.values)}; as many are wanted")
        return self

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """The table's value at ``t``."""
        pairs = list(zip(self.at, self.values, strict=True))
        if self.between == "linear":
            for (left, low), (right, high) in pairwise(pairs):
                if left <= t < right:
                    return low + (high - low) * (t - left) / (right - left)
        reached = [value for place, value in pairs if place <= t]
        return reached[-1] if reached else self.values[0]
