"""From an experiment's record to what the statistics allow to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from droplab.analysis.describe import ArmSummary, summarise
from droplab.analysis.endpoints import ENDPOINTS, OVERFITS, Endpoint, Sample, difference, missing, overfits
from droplab.analysis.paired import Paired, holm, paired_t, seeds_needed
from droplab.records import ExperimentRecord, RunKey

ALPHA = 0.05
"""The chance of any false decision in an experiment's whole verdict, and of an interval missing the truth."""

Status = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class Effect:
    """One endpoint of one arm, over seeds."""

    endpoint: str
    finding: int
    """1: overfits, 2: costs training, 3: generalises."""
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
    """Holm's, over all endpoints × arms of the experiment."""
    status: Status
    seeds_needed: int | None
    """For ``undecided``: about how many seeds would decide an effect of this size; 201 means more than 200."""
    at_least: bool
    """Some runs had not turned by their last epoch: the true difference is at least this."""


@dataclass(frozen=True)
class Verdict:
    """What an experiment has shown, arm by arm, and the arm to use."""

    effects: tuple[Effect, ...]
    summaries: tuple[ArmSummary, ...]
    recommended: str
    """The arm to use; the baseline where no arm is shown to be better."""
    better_by: tuple[str, ...]
    """The supported endpoints that the recommendation rests on; empty for the baseline."""
    underfits: tuple[str, ...]
    """Arms whose training accuracy is lower and whose validation loss or accuracy is worse, both supported."""
    unfinished: tuple[RunKey, ...]
    alpha: float = ALPHA

    def effect(self, endpoint: str, arm: str) -> Effect:
        """The effect of that endpoint and arm."""
        return next(e for e in self.effects if (e.endpoint, e.arm) == (endpoint, arm))


def judge(record: ExperimentRecord, alpha: float = ALPHA) -> Verdict:
    """Test every endpoint of every arm (``endpoints.py``) and draw the conclusions.

    Only finished runs count, and of those only seeds that arm and baseline share. The recommended arm must
    be supported in validation loss or accuracy and contradicted in none of loss, accuracy and gap; a smaller
    gap alone is no reason. Among several, the highest mean validation accuracy of those supported in
    accuracy is taken, else the lowest mean validation loss.

    Args:
        record: an experiment, finished or not.
        alpha: family-wise error rate of the statuses.
    """
    asked: list[tuple[Endpoint, str, Sample]] = [(OVERFITS, record.baseline, overfits(record))]
    others = [arm for arm in record.arms if arm != record.baseline]
    asked += [(end, arm, difference(record, end, arm)) for arm in others for end in ENDPOINTS]
    results = [paired_t(sample.values, sample.resolution) for _, _, sample in asked]
    adjusted = holm([result.p for result in results])
    undecided = sum(p >= alpha for p in adjusted)
    effects = tuple(
        _effect(question, result, p, record.baseline, alpha, undecided)
        for question, result, p in zip(asked, results, adjusted, strict=True)
    )
    recommended, reasons = _recommend(effects, others, record.baseline)
    return Verdict(
        effects,
        tuple(summarise(record, arm) for arm in record.arms),
        recommended,
        reasons,
        tuple(arm for arm in others if _underfits(effects, arm)),
        missing(record),
        alpha,
    )


def _effect(
    question: tuple[Endpoint, str, Sample],
    result: Paired,
    adjusted: float,
    baseline: str,
    alpha: float,
    undecided: int,
) -> Effect:
    endpoint, arm, sample = question
    status: Status = "undecided"
    if adjusted < alpha:
        status = "supported" if result.mean * endpoint.claim > 0 else "contradicted"
    return Effect(
        endpoint=endpoint.name,
        finding=endpoint.finding,
        arm=arm,
        baseline=baseline,
        seeds=sample.seeds,
        values=sample.values,
        mean=result.mean,
        low=result.low,
        high=result.high,
        p=result.p,
        p_adjusted=adjusted,
        status=status,
        seeds_needed=seeds_needed(result, alpha / undecided) if status == "undecided" else None,
        at_least=sample.at_least,
    )


def _statuses(effects: Sequence[Effect], arm: str) -> dict[str, Status]:
    return {effect.endpoint: effect.status for effect in effects if effect.arm == arm}


def _underfits(effects: Sequence[Effect], arm: str) -> bool:
    status = _statuses(effects, arm)
    worse = "contradicted" in {status["val_loss"], status["val_accuracy"]}
    return status["fit_accuracy"] == "supported" and worse


def _recommend(effects: Sequence[Effect], arms: Sequence[str], baseline: str) -> tuple[str, tuple[str, ...]]:
    reasons: dict[str, tuple[str, ...]] = {}
    for arm in arms:
        status = _statuses(effects, arm)
        judged = [status[name] for name in ("val_loss", "val_accuracy", "gap")]
        why = tuple(name for name in ("val_loss", "val_accuracy") if status[name] == "supported")
        if why and "contradicted" not in judged:
            reasons[arm] = why
    if not reasons:
        return baseline, ()
    mean = {(effect.endpoint, effect.arm): effect.mean for effect in effects}
    accurate = [arm for arm, why in reasons.items() if "val_accuracy" in why]
    if accurate:
        best = max(accurate, key=lambda arm: mean["val_accuracy", arm])
    else:
        best = min(reasons, key=lambda arm: mean["val_loss", arm])
    return best, reasons[best]
