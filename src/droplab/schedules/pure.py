"""The pure schedules, one class each: what it does, its equation, its values at both ends, where it comes from."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self, final

from pydantic import Field, model_validator

from droplab.schedules.base import Schedule
from droplab.schedules.parameters import Places, Share, SomeShare


class OverTime(Schedule):
    """What moves over time alone: at a step, the factor is the same for all sites."""

    def factor(self, t: float, site: int, sites: int) -> float:  # noqa: ARG002
        """``share``, whatever the site."""
        return self.share(t)

    def share(self, t: float) -> float:
        """The share of ``p`` that acts when the share ``t`` of training is done."""
        raise NotImplementedError


class FromTo(OverTime):
    """What goes from one share of ``p`` to another."""

    start: Share = 0.0
    end: Share = 1.0


@final
class Constant(OverTime):
    """The site's ``p`` at every step.

    Equation: ``p(t) = p``. Boundaries: ``p`` at the first step, ``p`` after the last.

    Srivastava et al. 2014, *Dropout: a simple way to prevent neural networks from overfitting*, JMLR 15.

    >>> Constant()(step=3, steps=10, p=0.5)
    0.5
    """

    name: ClassVar[str] = "constant"
    paper: ClassVar[str] = "Srivastava et al. 2014, JMLR 15"

    def share(self, t: float) -> float:  # noqa: ARG002
        """1."""
        return 1.0


@final
class Linear(FromTo):
    """A straight line from ``start`` to ``end``, both shares of the site's ``p``.

    Equation: ``p(t) = p (start + (end - start) t)``. Boundaries: ``start p`` at the first step, ``end p``
    after the last.

    With the defaults, ScheduledDropPath's rule: Zoph et al. 2018, *Learning transferable architectures for
    scalable image recognition*, CVPR (the drop rate of a path rises linearly over training).

    Args:
        start: share of ``p`` at the first step, in [0, 1].
        end: share of ``p`` after the last step, in [0, 1].

    >>> [Linear()(step, 10, p=0.5) for step in (0, 5, 10)]
    [0.0, 0.25, 0.5]
    """

    name: ClassVar[str] = "linear"
    paper: ClassVar[str] = "Zoph et al. 2018, CVPR (ScheduledDropPath)"

    def share(self, t: float) -> float:
        """``start + (end - start) t``."""
        return self.start + (self.end - self.start) * t


@final
class Cosine(FromTo):
    """Half a cosine wave from ``start`` to ``end``, both shares of the site's ``p``: flat at both ends.

    Equation: ``p(t) = p (end + (start - end) (1 + cos(π t)) / 2)``. Boundaries: ``start p`` at the first
    step, ``end p`` after the last.

    The shape is that of Loshchilov & Hutter 2017, *SGDR: stochastic gradient descent with warm restarts*,
    ICLR, where it is a learning rate's.

    Args:
        start: share of ``p`` at the first step, in [0, 1].
        end: share of ``p`` after the last step, in [0, 1].

    >>> [round(Cosine(start=1, end=0)(step, 10, p=0.5), 6) for step in (0, 5, 10)]
    [0.5, 0.25, 0.0]
    """

    name: ClassVar[str] = "cosine"
    paper: ClassVar[str] = "Loshchilov & Hutter 2017, ICLR (the shape)"

    def share(self, t: float) -> float:
        """``end + (start - end) (1 + cos(π t)) / 2``."""
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * t)) / 2


@final
class Step(OverTime):
    """``p``, multiplied by ``by`` at each of the places ``at``.

    Equation: ``p(t) = p by^k`` where ``k`` is the number of places that ``t`` has reached. Boundaries: ``p``
    at the first step (where 0 is not among the places), ``p by^len(at)`` after the last.

    No paper of its own; the staircase of learning rates, as in He et al. 2016, *Deep residual learning for
    image recognition*, CVPR. ``Piecewise`` takes any values.

    Args:
        at: shares of training, ascending, in [0, 1].
        by: the factor at each place, in [0, 1].

    >>> [Step()(step, 8, p=0.4) for step in (0, 3, 4, 6)]
    [0.4, 0.4, 0.2, 0.1]
    """

    name: ClassVar[str] = "step"
    paper: ClassVar[str] = "none of its own; He et al. 2016, CVPR (the staircase of learning rates)"

    at: Places = (0.5, 0.75)
    by: Share = 0.5

    def share(self, t: float) -> float:
        """``by`` to the power of the places reached."""
        return float(self.by ** sum(place <= t for place in self.at))


@final
class WarmUp(OverTime):
    """A straight line from 0 to ``p`` over the first part of training, then ``p``.

    Equation: ``p(t) = p min(1, t / until)``. Boundaries: 0 at the first step, ``p`` from ``until`` on.

    No paper of its own; the warm-up of learning rates, Goyal et al. 2017, *Accurate, large minibatch SGD*,
    arXiv 1706.02677. ``Late`` switches on at once.

    Args:
        until: share of training at which ``p`` is reached, in (0, 1].

    >>> [WarmUp(until=0.2)(step, 10, p=0.5) for step in (0, 1, 2, 9)]
    [0.0, 0.25, 0.5, 0.5]
    """

    name: ClassVar[str] = "warm-up"
    paper: ClassVar[str] = "none of its own; Goyal et al. 2017, arXiv 1706.02677 (the warm-up of learning rates)"

    until: SomeShare = 0.1

    def share(self, t: float) -> float:
        """``min(1, t / until)``."""
        return min(1.0, t / self.until)


@final
class Early(OverTime):
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

    until: SomeShare = 1 / 6
    shape: Literal["linear", "constant"] = "linear"

    def share(self, t: float) -> float:
        """See the class."""
        if t >= self.until:
            return 0.0
        return 1.0 if self.shape == "constant" else 1.0 - t / self.until


@final
class Late(OverTime):
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

    def share(self, t: float) -> float:
        """0 before ``since``, 1 from there."""
        return 1.0 if t >= self.since else 0.0


@final
class Curriculum(OverTime):
    """From no dropout towards ``p``, exponentially: easy examples first.

    Equation: ``p(t) = p (1 - exp(-gamma t))``. Boundaries: 0 at the first step, ``p (1 - exp(-gamma))`` after
    the last.

    Morerio et al. 2017, *Curriculum dropout*, ICCV. The paper speaks of the probability to *keep* a unit,
    ``θ(s) = (1 - θ̄) exp(-γ s) + θ̄`` at update ``s``; with ``p = 1 - θ̄`` the probability to drop is
    ``p (1 - exp(-γ s))``. Its rule is ``γ = 10 / T`` for ``T`` updates in all, so ``γ s`` is ``10 t``: the
    default here. ``p`` is then reached to within ``exp(-10)``, 0.005 %.

    Args:
        gamma: the paper's γ times the number of updates, above 0.

    >>> [round(Curriculum()(step, 10, p=0.5), 4) for step in (0, 1, 5, 10)]
    [0.0, 0.3161, 0.4966, 0.5]
    """

    name: ClassVar[str] = "curriculum"
    paper: ClassVar[str] = "Morerio et al. 2017, ICCV"

    gamma: Annotated[float, Field(gt=0.0)] = 10.0

    def share(self, t: float) -> float:
        """``1 - exp(-gamma t)``."""
        return -math.expm1(-self.gamma * t)


@final
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


@final
class Piecewise(OverTime):
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

    def share(self, t: float) -> float:
        """The table's value at ``t``."""
        pairs = list(zip(self.at, self.values, strict=True))
        if self.between == "linear":
            for (left, low), (right, high) in pairwise(pairs):
                if left <= t < right:
                    return low + (high - low) * (t - left) / (right - left)
        reached = [value for place, value in pairs if place <= t]
        return reached[-1] if reached else self.values[0]
