"""Early dropout: on at first, then off."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from droplab.schedules.base import Schedule


class Early(Schedule):
    """Dropout in the first part of training only, against underfitting (not overfitting).

    Equation: ``p(t) = p (1 - t / until)`` (``linear``) or ``p`` (``constant``) for ``t < until``, then 0.
    Boundaries: ``p`` at the first step, 0 from ``until`` on.

    Liu et al. 2023, *Dropout reduces underfitting*, ICML: early dropout lowers the variance of the gradients'
    direction between batches, and a model that underfits ends with a lower training loss. The defaults are
    the authors' recipe for ViT-T: a line down over the first 50 of 300 epochs. There it ends at the last
    step before ``until``, here one step later.

    Args:
        until: share of training from which dropout is off, in (0, 1].
        shape: ``linear`` falls to 0 meanwhile; ``constant`` keeps ``p`` until then.

    >>> [Early(until=0.5)(step, 8, p=0.4) for step in (0, 2, 4, 7)]
    [0.4, 0.2, 0.0, 0.0]
    """

    name: ClassVar[str] = "early"
    paper: ClassVar[str] = "Liu et al. 2023, ICML"

    until: Annotated[float, Field(gt=0.0, le=1.0)] = 1 / 6
    shape: Literal["linear", "constant"] = "linear"

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """See the class."""
        if t >= self.until:
            return 0.0
        return 1.0 if self.shape == "constant" else 1.0 - t / self.until
