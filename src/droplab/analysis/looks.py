"""How much error each planned look may spend, so that looking again costs no more than was said.

A plan names the numbers of seeds at which results are looked at. At fraction f of the last one,
``alpha (1 - exp(-2 f)) / (1 - exp(-2))`` of the error has been spent (Hwang, Shih and DeCani, Statist. Med. 9, 1990),
more at the first looks than Pocock's boundary does. A look's own level is what a paired t test at that look may have,
given what earlier looks have spent. It is found for t itself, under normal differences, not for known variance, whose
levels spend 5.8 % where 5 % are meant and the first look is at 3 seeds: a look's t beyond its limit is drawn, then the
path that leads to it (given t, the residuals point anywhere); paths that crossed a limit before have been counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from droplab.analysis.student import quantile, two_sided_p
from droplab.errors import UserError, quote
from droplab.records import LOOKS

_HASTE = 2.0
"""How early error is spent: 1 is about Pocock's way; 2 decides two standard deviations with 6.1 seeds instead of 6.4,
and one with 11.4 instead of 11.6 (in 94 instead of 96 of 100 experiments)."""
_PATHS = 10_000
"""Paths drawn for each look: a level is wrong by less than 1 % of itself."""
_MOST_DRAWN = 10_000_000
"""Numbers drawn at most for a look of very many seeds."""


@dataclass(frozen=True)
class Plan:
    """What was decided before results were seen."""

    looks: tuple[int, ...]
    """Numbers of seeds, rising; one alone is a fixed design."""
    margin: float | None = None
    """The smallest difference of the primary measure that matters; inside it arms are practically equal."""
    alpha: float = 0.05
    """The chance of any false "better" or "worse", over all looks and arms."""

    def __post_init__(self) -> None:
        """Check the plan.

        Raises:
            UserError: looks that do not rise or are below 2, a margin or an alpha that cannot be one.
        """
        looks = self.looks
        if not looks or looks[0] < 2 or any(b <= a for a, b in pairwise(looks)):
            raise UserError(f"looks are numbers of seeds from 2 that rise, as {list(LOOKS)}; got {quote(list(looks))}")
        margin: object = self.margin
        number = isinstance(margin, (int, float)) and math.isfinite(margin) and margin > 0
        if margin is not None and not number:
            raise UserError(
                f"a margin is a difference above 0, in the primary measure's own unit; got {quote(self.margin)}"
            )
        if not 0 < self.alpha < 0.5:
            raise UserError(f"alpha lies between 0 and 0.5; got {quote(self.alpha)}")

    @property
    def sequential(self) -> bool:
        """Whether there is more than one look."""
        return len(self.looks) > 1

    def level(self, seeds: int, share: float = 1.0) -> float:
        """The level of a t test at a look, of ``share`` of alpha; beyond the last look, that look's.

        >>> Plan((5,)).level(5), round(Plan((3, 5, 8, 12, 16, 20)).level(3), 4)
        (0.05, 0.015)
        """
        at = next((place for place, look in enumerate(self.looks) if look >= seeds), len(self.looks) - 1)
        if not self.sequential:
            return self.alpha * share
        parts = -math.log2(share)
        down = math.floor(parts)
        here, next_ = (levels(self.looks, self.alpha * 2.0**-halved)[at] for halved in (down, down + 1))
        return float(here ** (1 + down - parts) * next_ ** (parts - down))


def spent(looks: Sequence[int], alpha: float) -> tuple[float, ...]:
    """The error that has been spent after each look; all of it after the last.

    >>> [round(error, 4) for error in spent((5, 10), 0.05)]
    [0.0366, 0.05]
    """
    return tuple(alpha * math.expm1(-_HASTE * look / looks[-1]) / math.expm1(-_HASTE) for look in looks)


@cache
def levels(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """Each look's two-sided level; the same on every machine, as the drawing has a fixed seed.

    Args:
        looks: numbers of seeds, rising, from 2.
        alpha: the error of all looks together.

    >>> [round(level, 3) for level in levels((3, 5, 8, 12, 16, 20), 0.05)]
    [0.015, 0.01, 0.012, 0.013, 0.011, 0.01]
    """
    limits: list[float] = []
    found: list[float] = []
    before = 0.0
    for place, total in enumerate(spent(looks, alpha)):
        step, before = total - before, total
        level = step if place == 0 else _level(looks[: place + 1], tuple(limits), step)
        found.append(level)
        limits.append(quantile(1 - level / 2, looks[place] - 1))
    return tuple(found)


def _level(looks: tuple[int, ...], limits: tuple[float, ...], step: float) -> float:
    """The level at the last of these looks at which ``step`` is what no earlier look has crossed."""
    last = looks[-1]
    means, widths, uniform = _paths(looks)
    edges, tails = _tail(last - 1)
    bars = np.array(limits) * widths
    scale = math.sqrt(last * (last - 1.0))

    def new(level: float) -> float:
        """What a level adds: the chance of crossing at this look and not before."""
        t = np.exp(np.interp(math.log(level) + uniform, tails, edges))
        crossed = np.abs((t / scale)[:, None] + means) > bars
        return level * float(1 - crossed.any(1).mean())

    low, high = step, min(1.0, 4 * step)
    for _ in range(13):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if new(middle) < step else (low, middle)
    return low


@cache
def _paths(looks: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residuals of the last look's seeds, scaled to length 1, as seen at the looks before.

    Returns:
        Their means and standard errors there, ``(paths, looks - 1)``, and as many logs of numbers even in (0, 1).
    """
    last, at = looks[-1], np.array(looks[:-1])
    paths = max(1000, min(_PATHS, _MOST_DRAWN // last))
    rng = np.random.default_rng(last)
    noise = rng.standard_normal((paths, last))
    noise -= noise.mean(1, keepdims=True)
    noise /= np.sqrt((noise * noise).sum(1, keepdims=True))
    sums = noise.cumsum(1)[:, at - 1]
    inner = (noise * noise).cumsum(1)[:, at - 1] - sums * sums / at
    uniform = np.log((np.arange(paths) + 0.5) / paths)
    rng.shuffle(uniform)
    return sums / at, np.sqrt(np.maximum(inner, 0.0) / (at - 1) / at), uniform


@cache
def _tail(df: int) -> tuple[np.ndarray, np.ndarray]:
    """Log t against log p, falling in t, for reading t from p; p rises, as ``np.interp`` wants it."""
    t = np.exp(np.linspace(math.log(1e6), math.log(1e-3), 400))
    p = np.array([two_sided_p(float(value), df) for value in t])
    kept = p > 0
    return np.log(t[kept]), np.log(p[kept])
