"""Schedules made of schedules: one after another, and pointwise product, smallest and largest.

A factor is a number in [0, 1], so all four give schedules again; they nest to any depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod
from typing import Annotated, Any, ClassVar, Self, final

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, model_validator

from droplab.errors import SpecError
from droplab.schedules.base import Schedule
from droplab.schedules.parameters import Places
from droplab.schedules.registry import make


def _inner(value: Any) -> Schedule:
    made = make(value)
    if not isinstance(made, Schedule):
        raise SpecError([f"name: {made.name!r} is adaptive; it acts on sites, and cannot be part of another schedule"])
    return made


def _describe(inner: Schedule) -> dict[str, Any]:
    return inner.describe()


Inner = Annotated[Schedule, BeforeValidator(_inner), PlainSerializer(_describe)]
"""A schedule inside another: itself, its name, or a table with its name and parameters."""


def _some(of: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
    if not of:
        raise ValueError("got none; at least one schedule is wanted")
    return of


Several = Annotated[tuple[Inner, ...], AfterValidator(_some)]
"""At least one."""


class Pointwise(Schedule):
    """What makes one factor of those that several schedules have at a step."""

    of: Several

    def factor(self, t: float, site: int, sites: int) -> float:
        """``joined``, over the schedules' own factors."""
        return self.joined(inner.factor(t, site, sites) for inner in self.of)

    def joined(self, factors: Iterator[float]) -> float:
        """One factor of several."""
        raise NotImplementedError


@final
class Chain(Schedule):
    """One schedule after another; each sees its own part of training as a whole.

    Equation: ``p(t) = p f_i((t - a_i) / (a_{i+1} - a_i))`` for ``a_i <= t < a_{i+1}``, with ``a_0 = 0``, the
    places ``at``, and 1 at the end. Boundaries: the first one's at the first step, the last one's after the
    last.

    No paper: composition.

    Args:
        of: the schedules, or their names, or tables with ``name`` and parameters.
        at: shares of training where the next one begins, one fewer than schedules, strictly inside (0, 1).

    >>> chain = Chain(of=["warm-up", {"name": "linear", "start": 1, "end": 0}], at=[0.5])
    >>> [chain(step, 8, p=0.4) for step in (0, 2, 4, 6, 8)]
    [0.0, 0.4, 0.4, 0.2, 0.0]
    """

    name: ClassVar[str] = "chain"
    paper: ClassVar[str] = "none"

    of: Several
    at: Places

    @model_validator(mode="after")
    def _one_fewer(self) -> Self:
        if len(self.at) != len(self.of) - 1:
            raise ValueError(
                f"of has {len(self.of)} schedules and at has {len(self.at)} places; one place fewer is wanted"
            )
        if self.at[0] == 0 or self.at[-1] == 1:
            raise ValueError(f"at must lie strictly between 0 and 1; got {list(self.at)}")
        return self

    def factor(self, t: float, site: int, sites: int) -> float:
        """That of the schedule whose part of training it is."""
        for inner, (begin, end) in zip(self.of, pairwise((0.0, *self.at, 1.0)), strict=True):
            if t < end:
                return inner.factor((t - begin) / (end - begin), site, sites)
        return self.of[-1].factor(1.0, site, sites)


@final
class Product(Pointwise):
    """The product of schedules: ``depth-ramp`` × ``linear`` moves over depth and time.

    Equation: ``p(t) = p f_1(t) f_2(t) …``. Boundaries: the products of theirs.

    No paper: composition.

    Args:
        of: the schedules, or their names, or tables with ``name`` and parameters.

    >>> Product(of=["linear", "depth-ramp"])(step=5, steps=10, p=0.4, site=0, sites=2)
    0.1
    """

    name: ClassVar[str] = "product"
    paper: ClassVar[str] = "none"

    def joined(self, factors: Iterator[float]) -> float:
        """The product."""
        return prod(factors)


@final
class Min(Pointwise):
    """The smallest of schedules, at every step.

    Equation: ``p(t) = p min(f_1(t), f_2(t), …)``. Boundaries: the smallest of theirs.

    No paper: composition.

    Args:
        of: the schedules, or their names, or tables with ``name`` and parameters.

    >>> hill = Min(of=["linear", {"name": "linear", "start": 1, "end": 0}])
    >>> [hill(step, 8, p=0.4) for step in (0, 4, 8)]
    [0.0, 0.2, 0.0]
    """

    name: ClassVar[str] = "min"
    paper: ClassVar[str] = "none"

    def joined(self, factors: Iterator[float]) -> float:
        """The smallest."""
        return min(factors)


@final
class Max(Pointwise):
    """The largest of schedules, at every step.

    Equation: ``p(t) = p max(f_1(t), f_2(t), …)``. Boundaries: the largest of theirs.

    No paper: composition.

    Args:
        of: the schedules, or their names, or tables with ``name`` and parameters.

    >>> valley = Max(of=["linear", {"name": "linear", "start": 1, "end": 0}])
    >>> [valley(step, 8, p=0.4) for step in (0, 4, 8)]
    [0.4, 0.2, 0.4]
    """

    name: ClassVar[str] = "max"
    paper: ClassVar[str] = "none"

    def joined(self, factors: Iterator[float]) -> float:
        """The largest."""
        return max(factors)
