"""One question of one arm, answered by its differences over seeds."""

from __future__ import annotations

from droplab.analysis.effect import Effect, Status
from droplab.analysis.endpoints import Sample
from droplab.analysis.paired import Paired, paired_t
from droplab.analysis.questions import Endpoint


def effect_of(
    question: tuple[Endpoint, str, Sample],
    result: Paired,
    baseline: str,
    level: float,
    adjusted: float,
    *,
    answered: bool,
    needed: int | None = None,
    identical: bool = False,
) -> Effect:
    """What is said of it.

    Args:
        question: the endpoint, the arm, and its differences.
        result: their plain paired test.
        baseline: the arm that they are from.
        level: of the adjusted interval.
        adjusted: the adjusted p-value.
        answered: whether the error that is allowed for says anything.
        needed: seeds that would probably decide, where it is not decided.
        identical: whether the arm trained as the baseline did.
    """
    end, arm, sample = question
    wider = paired_t(sample.values, sample.resolution, level, sample.ratio)
    status: Status = "undecided"
    if answered:
        status = "supported" if result.mean * end.claim > 0 else "contradicted"
    return Effect(
        endpoint=end.name,
        finding=end.finding,
        arm=arm,
        baseline=baseline,
        seeds=sample.seeds,
        values=sample.values,
        mean=result.mean,
        low=result.low,
        high=result.high,
        p=result.p,
        p_adjusted=adjusted,
        adjusted_low=wider.low,
        adjusted_high=wider.high,
        status=status,
        seeds_needed=needed,
        at_least=sample.at_least,
        identical=identical,
        role=end.role,
        measure=end.measure,
    )
