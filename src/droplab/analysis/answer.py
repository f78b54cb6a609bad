"""The primary question's answer for one arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from droplab.analysis.crossed import Crossed
from droplab.analysis.deployed import Kind
from droplab.records import Measure

Says = Literal["better", "worse", "equal", "undecided"]
"""A reading of the interval: inside the margin on both sides, ``equal``; without 0, ``better`` or ``worse``."""

Why = Literal["", "few", "look", "failures", "identical"]
"""Why nothing was read from it: fewer than two pairs; a look whose runs are not finished; runs that failed, whose arm
cannot be called better, nor equal, on those that are left; the very numbers of the other arm."""


@dataclass(frozen=True)
class Failures:
    """How many of an arm's runs failed for good, with the exact 95 % interval of their share."""

    count: int
    of: int
    low: float
    high: float


@dataclass(frozen=True)
class Answer:
    """What one arm's as-deployed differences from the baseline allow to say."""

    arm: str
    baseline: str
    measure: Measure
    kind: Kind
    seeds: tuple[int, ...]
    """Of the pairs that count."""
    values: tuple[float, ...]
    """Arm minus baseline, one per seed."""
    mean: float
    sd: float
    low: float
    """The interval from which ``says`` is read; NaN below two pairs."""
    high: float
    level: float
    """The interval covers 1 - level at this look, all looks and arms together 1 - alpha."""
    p: float
    """Two-sided and unadjusted."""
    ratio: float
    """n2/n1 where seeds draw their splits, by which the interval is wider (``scope.py``); else 0."""
    new_data: Crossed
    """Of one split: the interval for other validation samples too (``crossed.py``); nothing is read from it."""
    says: Says
    why: Why
    seeds_needed: int | None
    """For ``undecided``: about how many pairs would probably (80 %) decide; 201 means more than 200."""
    look: int
    """Planned pairs of the last look whose runs have all ended; 0 before the first."""
    next_look: int | None
    """Planned pairs of the look after it."""
    failures: Failures
    baseline_failures: Failures
    pairing: float
    """Var(difference) / (Var(arm) + Var(baseline)): below 1, pairing by seed has helped. NaN below two pairs."""

    @property
    def decided(self) -> bool:
        """Whether the question is answered."""
        return self.says != "undecided"
