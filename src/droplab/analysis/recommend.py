"""Which arm to name, among those that are shown to be better than the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from droplab.analysis.effect import JUDGED, Effect, Status
from droplab.analysis.endpoints import ENDPOINTS, differences
from droplab.analysis.paired import paired_t
from droplab.records import ExperimentRecord


class Choice(NamedTuple):
    """The arm to use, why, and which others are not beaten by it."""

    arm: str
    better_by: tuple[str, ...]
    """The supported endpoints that the choice rests on; empty for the baseline."""
    rivals: tuple[str, ...]
    """Other arms shown to be better than the baseline that no other such arm beats."""


def recommend(record: ExperimentRecord, effects: Sequence[Effect], alpha: float) -> Choice:
    """Choose the arm to use.

    1. *Candidates* are the arms that are supported in validation loss or validation accuracy and contradicted in
       none of loss, accuracy and gap. A smaller gap alone is no reason. These statuses are Holm's, so that a choice of
       any candidate, by whatever rule, claims no more than they do: the chance that an arm is recommended that is
       not better than the baseline stays below ``alpha``.
    2. A candidate is *struck off* if another one beats it: over the seeds that both have finished, the other is better
       in validation loss or accuracy (the paired ``1 - alpha`` t interval of the difference excludes 0) and not worse
       in the other of the two. These intervals are not adjusted and nothing is claimed from them: an
       arm that is struck off wrongly is as good as the one that stays. Should all beat each other in a circle, all
       stay.
    3. Of those that stay, the one with the highest mean validation accuracy (differences from the baseline) is
       taken, then the lowest mean validation loss, then the first of the spec. This is a description, not a finding;
       the verdict names the others as ``rivals``.

    So no arm is recommended that ties with another candidate in loss and is less accurate.

    Args:
        record: the experiment.
        effects: of every arm, tested.
        alpha: the verdict's.
    """
    reasons: dict[str, tuple[str, ...]] = {}
    for arm in record.arms:
        status = statuses(effects, arm)
        why = tuple(name for name in JUDGED if status.get(name) == "supported")
        if why and "contradicted" not in (status["val_loss"], status["val_accuracy"], status["gap"]):
            reasons[arm] = why
    if not reasons:
        return Choice(record.baseline, (), ())
    beaten = {arm for arm in reasons if any(_beats(record, other, arm, alpha) for other in reasons if other != arm)}
    left = [arm for arm in reasons if arm not in beaten] or list(reasons)
    mean = {(effect.endpoint, effect.arm): effect.mean for effect in effects}
    best = max(left, key=lambda arm: (_or_least(mean["val_accuracy", arm]), _or_least(-mean["val_loss", arm])))
    return Choice(best, reasons[best], tuple(arm for arm in left if arm != best))


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def statuses(effects: Sequence[Effect], arm: str) -> dict[str, Status]:
    """The statuses of an arm by endpoint."""
    return {effect.endpoint: effect.status for effect in effects if effect.arm == arm}


def _beats(record: ExperimentRecord, ours: str, theirs: str, alpha: float) -> bool:
    """Better in loss or accuracy, worse in neither."""
    signs = [_sign(record, name, ours, theirs, alpha) for name in JUDGED]
    return max(signs) > 0 and min(signs) >= 0


def _sign(record: ExperimentRecord, name: str, ours: str, theirs: str, alpha: float) -> int:
    """+1 where our arm is better, -1 where it is worse, 0 where the interval says neither."""
    endpoint = next(end for end in ENDPOINTS if end.name == name)
    sample = differences(record, endpoint, ours, theirs)
    result = paired_t(sample.values, sample.resolution, alpha)
    if not result.p < alpha:
        return 0
    return 1 if result.mean * endpoint.claim > 0 else -1
