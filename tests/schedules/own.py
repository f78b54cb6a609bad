"""Schedules as users write them, in a module of their own; none is in droplab's table."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field

from droplab.schedules import Adaptive, Schedule


class Waves(Schedule):
    """So many waves.

    Equation: ``p(t) = p (1 - cos(2 π waves t)) / 2``. Boundaries: 0 at the first step and after the last.
    """

    name = "waves"
    paper = "none"

    waves: Annotated[int, Field(ge=1)] = 1

    def factor(self, t, site, sites):
        return (1 - math.cos(2 * math.pi * self.waves * t)) / 2


class Nameless(Schedule):
    """Half of it.

    Equation: ``p(t) = p / 2``. Boundaries: a half.
    """

    paper: ClassVar[str] = "none"

    def factor(self, t, site, sites):
        return 0.5


class Accuracy(Adaptive):
    """More dropout where training is more accurate than validation.

    Equation: the error is ``fit_accuracy - val_accuracy - target``. Boundaries: ``low`` and ``high``.
    """

    name = "accuracy"
    paper = "none"
    reads = ("fit_accuracy", "val_accuracy")

    gain: Annotated[float, Field(gt=0.0)] = 1.0
    hysteresis: Annotated[float, Field(ge=0.0)] = 0.01
    target: float = 0.05

    def error(self, state, metrics):
        return metrics["fit_accuracy"] - metrics["val_accuracy"] - self.target


class Unfinished(Schedule):
    paper = "none"


class Unread(Adaptive):
    gain: float = 1.0
    hysteresis: float = 0.0

    def error(self, state, metrics):
        return 0.0


class Raises(Schedule):
    def __init__(self):
        raise RuntimeError("not today")

    def factor(self, t, site, sites):
        return 1.0


class constant(Schedule):  # noqa: N801  # a name that droplab has too
    def factor(self, t, site, sites):
        return t
