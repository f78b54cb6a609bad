"""One endpoint of one arm, and what it means for whoever trains the model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from droplab.analysis.questions import Role
from droplab.records import Measure

Unit = Literal["nats", "share", "", "epochs"]

Status = Literal["supported", "contradicted", "equal", "undecided"]
"""Whether the endpoint's claim (``questions.py``) holds. A claim may be bad news: see ``Consequence``. ``equal``,
inside the margin that the user named, is an answer to the primary question of set "2" alone."""

Consequence = Literal["better", "worse", "equal", "cost", "neutral", "open", "identical"]
"""What an effect means. ``neutral``: shown, but neither good nor bad by itself."""

_MEANING: Mapping[Role, tuple[Consequence, Consequence]] = {
    "rise": ("worse", "better"),
    "fit": ("cost", "neutral"),
    "turn": ("cost", "neutral"),
    "val": ("better", "worse"),
    "deployed": ("better", "worse"),
}
"""By role: where the endpoint's claim is supported, and where it is contradicted."""


@dataclass(frozen=True)
class Effect:
    """One endpoint of one arm, over seeds."""

    endpoint: str
    finding: int
    """0: better as deployed (set "2"), 1: overfits, 2: costs training, 3: generalises."""
    arm: str
    baseline: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    """One per seed, in the order of ``seeds``."""
    mean: float
    low: float
    """95 % interval of the mean, not adjusted; NaN below two seeds."""
    high: float
    p: float
    p_adjusted: float
    """Holm's, over all endpoints × arms of the experiment; of set "2", NaN for the primary question, whose interval
    tells."""
    adjusted_low: float
    """The interval on which the status rests (``paired.holm_levels``): it excludes 0 exactly where the status is
    not ``undecided``. NaN below two seeds."""
    adjusted_high: float
    status: Status
    seeds_needed: int | None
    """For ``undecided``: about how many seeds would decide an effect of this size; 201 means more than 200."""
    at_least: bool
    """Some runs had not turned by their last epoch: the true difference is at least this."""
    identical: bool
    """Arm and baseline gave the same numbers, to the bit, in every epoch of every seed they share."""
    role: Role
    measure: Measure
    """What the endpoint is about; of a turning epoch and an overfitting, the primary one."""

    @property
    def unit(self) -> Unit:
        """How its numbers are read."""
        return "epochs" if self.role == "turn" else self.measure.unit


def consequence(effect: Effect, effects: Iterable[Effect]) -> Consequence:
    """What an effect means, given all effects of its arm.

    Measures on validation samples are better or worse. Those on training samples, where worse, and a later turning
    epoch are costs; their opposites are no gain by themselves. A smaller gap is better only where the validation
    results are (a network that learns nothing has none), and a larger one is worse only where they are not.

    Args:
        effect: the one that is asked about.
        effects: all effects of the experiment, or at least of its arm.
    """
    if effect.identical:
        return "identical"
    statuses = [other.status for other in effects if other.arm == effect.arm and other.role == "val"]
    return meaning(effect.role, effect.status, statuses)


def meaning(role: Role, status: Status, judged: Collection[Status]) -> Consequence:
    """What a status means.

    Args:
        role: of the endpoint.
        status: its own.
        judged: those of all the arm's measures on validation samples.

    >>> meaning("fit", "supported", []), meaning("gap", "supported", ["undecided"])
    ('cost', 'neutral')
    """
    if status == "undecided":
        return "open"
    if status == "equal":
        return "equal"
    supported = status == "supported"
    if role != "gap":
        return _MEANING[role][0 if supported else 1]
    gained = "supported" in judged and "contradicted" not in judged
    if supported:
        return "better" if gained else "neutral"
    return "neutral" if gained else "worse"
