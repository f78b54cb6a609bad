"""Which arm to name, among those that are shown to be better than the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from droplab.analysis.effect import Effect, Status
from droplab.analysis.endpoints import differences
from droplab.analysis.paired import paired_t
from droplab.analysis.questions import Endpoint, questions
from droplab.analysis.second import Primary
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

    1. *Candidates* are the arms that are supported in a measure on validation samples (loss or accuracy, say) and
       contradicted in none of these and in the gap. A smaller gap alone is no reason. These statuses are Holm's, so
       that a choice of any candidate, by whatever rule, claims no more than they do: the chance that an arm is
       recommended that is not better than the baseline stays below ``alpha``.
    2. A candidate is *struck off* if another one beats it: over the seeds that both have finished, the other is better
       in one of these measures (the paired ``1 - alpha`` t interval of the difference excludes 0) and worse in none.
       These intervals are not adjusted and nothing is claimed from them: an arm that is struck off wrongly is as good
       as the one that stays. Should all beat each other in a circle, all stay.
    3. Of those that stay, the one with the best mean (differences from the baseline) is taken: of the measures that
       count samples first (accuracy before loss), then of the others, as they are declared; then the first of the
       spec. This is a description, not a finding; the verdict names the others as ``rivals``.

    So no arm is recommended that ties with another candidate in loss and is less accurate.

    Args:
        record: the experiment.
        effects: of every arm, tested.
        alpha: the verdict's.
    """
    judged, gap = questions(record).judged, questions(record).gap
    reasons: dict[str, tuple[str, ...]] = {}
    for arm in record.arms:
        status = statuses(effects, arm)
        why = tuple(end.name for end in judged if status.get(end.name) == "supported")
        if why and not any(status.get(end.name) == "contradicted" for end in (*judged, *filter(None, [gap]))):
            reasons[arm] = why
    if not reasons:
        return Choice(record.baseline, (), ())
    beaten = {arm for arm in reasons if any(_beats(record, other, arm, alpha) for other in reasons if other != arm)}
    left = [arm for arm in reasons if arm not in beaten] or list(reasons)
    mean = {(effect.endpoint, effect.arm): effect.mean for effect in effects}
    order = by_weight(judged)
    best = max(left, key=lambda arm: [_or_least(end.claim * mean[end.name, arm]) for end in order])
    return Choice(best, reasons[best], tuple(arm for arm in left if arm != best))


def recommend_deployed(record: ExperimentRecord, main: Primary, alpha: float) -> Choice:
    """Choose among the arms that are better as deployed, by that alone.

    As in ``recommend``: a candidate that another one beats, over the seeds that both have finished, is struck off; of
    those that stay, the one with the best mean difference from the baseline is taken.
    """
    found = {answer.arm: answer for answer in main.answers if answer.says == "better"}
    if not found:
        return Choice(record.baseline, (), ())

    def beats(ours: str, theirs: str) -> bool:
        first, second = (dict(zip(found[arm].seeds, found[arm].values, strict=True)) for arm in (ours, theirs))
        apart = [first[seed] - second[seed] for seed in first if seed in second]
        result = paired_t(apart, 0.0, alpha, main.scope.ratio)
        return result.p < alpha and result.mean * main.end.claim > 0

    beaten = {arm for arm in found if any(beats(other, arm) for other in found if other != arm)}
    left = [arm for arm in found if arm not in beaten] or list(found)
    best = max(left, key=lambda arm: main.end.claim * found[arm].mean)
    return Choice(best, (main.end.name,), tuple(arm for arm in left if arm != best))


def by_weight(judged: Sequence[Endpoint]) -> list[Endpoint]:
    """The order in which means choose among arms that cannot be told apart: what counts samples first."""
    return sorted(judged, key=lambda end: not end.measure.counted)


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def statuses(effects: Sequence[Effect], arm: str) -> dict[str, Status]:
    """The statuses of an arm by endpoint."""
    return {effect.endpoint: effect.status for effect in effects if effect.arm == arm}


def _beats(record: ExperimentRecord, ours: str, theirs: str, alpha: float) -> bool:
    """Better in a measure on validation samples, worse in none."""
    signs = [_sign(record, endpoint, ours, theirs, alpha) for endpoint in questions(record).judged]
    return max(signs) > 0 and min(signs) >= 0


def _sign(record: ExperimentRecord, endpoint: Endpoint, ours: str, theirs: str, alpha: float) -> int:
    """+1 where our arm is better, -1 where it is worse, 0 where the interval says neither."""
    sample = differences(record, endpoint, ours, theirs)
    result = paired_t(sample.values, sample.resolution, alpha, sample.ratio)
    if not result.p < alpha:
        return 0
    return 1 if result.mean * endpoint.claim > 0 else -1
