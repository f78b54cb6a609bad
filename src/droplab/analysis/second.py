"""Set "2": the primary measure as deployed first, the other questions only of arms whose primary one is answered.

What the others may err is alpha again, over looks and arms: each arm, and the baseline's own question whether it
overfits, has an equal share, which Holm's procedure spends on the questions of that arm at the look of its answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from droplab.analysis.answer import Answer, Says
from droplab.analysis.asking import effect_of
from droplab.analysis.deployed import Kind
from droplab.analysis.describe import Spread, spread
from droplab.analysis.effect import Effect, Status
from droplab.analysis.endpoints import Sample, differences, overfits
from droplab.analysis.looks import Plan
from droplab.analysis.paired import holm, holm_levels, paired_t
from droplab.analysis.primary import answers, numbers
from droplab.analysis.questions import Endpoint, Questions
from droplab.analysis.scope import Scope, scope_of
from droplab.analysis.until import Next, follows, next_seeds
from droplab.records import ExperimentRecord

NAMES: dict[Kind, str] = {"deployed": "as_deployed", "best": "best_epoch", "reported": "as_reported"}
"""What the primary question is called, by what it could be asked of."""
_STATUS: dict[Says, Status] = {
    "better": "supported",
    "worse": "contradicted",
    "equal": "equal",
    "undecided": "undecided",
}


@dataclass(frozen=True)
class Primary:
    """The primary question with its answers."""

    plan: Plan
    end: Endpoint
    answers: tuple[Answer, ...]
    family: int
    """Comparisons among which alpha was shared."""
    spreads: Mapping[str, Spread]
    """Each arm's own numbers, over all its finished runs; described."""
    scope: Scope
    """What its intervals hold for."""
    coming: Next | None = None
    """What a plan of several looks wants next; ``None`` of a fixed design."""

    @property
    def reported_once(self) -> bool:
        """Whether each run reported its measure in one epoch, so that no epoch is better than the last."""
        return self.answers[0].kind == "reported"

    def of(self, arm: str) -> Answer:
        """An arm's answer."""
        return next(found for found in self.answers if found.arm == arm)


def primary(record: ExperimentRecord, asked: Questions, plan: Plan, family: int | None = None) -> Primary | None:
    """Ask the primary question; ``None`` where its measure is not reported or there is no other arm."""
    of = numbers(record, asked)
    found = answers(record, asked, plan, family=family, of=of)
    if not found:
        return None
    by_arm: dict[str, list[float]] = {arm: [] for arm in record.arms}
    for key, value in of.values.items():
        if math.isfinite(value):
            by_arm[key.arm].append(value)
    spreads = {arm: spread(values) for arm, values in by_arm.items()}
    end = Endpoint(NAMES[found[0].kind], 0, asked.primary.sign, "deployed", asked.primary, asked.turn)
    coming = next_seeds(record, plan, found) if follows(record, plan) else None
    return Primary(plan, end, found, max(family or 0, len(found)), spreads, scope_of(record), coming)


def effects(record: ExperimentRecord, asked: Questions, main: Primary) -> tuple[Effect, ...]:
    """The answers, then what is asked of the arms that are answered and of their baseline."""
    given = [_first(main.end, answer) for answer in main.answers]
    answered = [answer for answer in main.answers if answer.decided]
    share = 1 / (len(main.answers) + 1)
    others = _others(asked, main)
    if asked.overfits is not None and answered and not main.reported_once:
        look = max(answer.look for answer in answered)
        within = replace(record, seeds=record.seeds[:look])
        sample = overfits(within, asked.overfits)
        level = main.plan.level(look, share)
        given += _rest(record, main.plan, [asked.overfits], record.baseline, [sample], level)
    for answer in answered:
        within = replace(record, seeds=record.seeds[: answer.look])
        samples = [differences(within, end, answer.arm, record.baseline) for end in others]
        level = main.plan.level(answer.look, share)
        given += _rest(record, main.plan, others, answer.arm, samples, level)
    return tuple(given)


def _others(asked: Questions, main: Primary) -> list[Endpoint]:
    """Without what a single number has no second answer to."""
    if not main.reported_once:
        return list(asked.others)
    return [end for end in asked.others if end.role != "turn" and (end.role, end.metric) != ("val", asked.turn)]


def _first(end: Endpoint, answer: Answer) -> Effect:
    return Effect(
        endpoint=end.name,
        finding=end.finding,
        arm=answer.arm,
        baseline=answer.baseline,
        seeds=answer.seeds,
        values=answer.values,
        mean=answer.mean,
        low=answer.low,
        high=answer.high,
        p=answer.p,
        p_adjusted=math.nan,
        adjusted_low=answer.low,
        adjusted_high=answer.high,
        status=_STATUS[answer.says],
        seeds_needed=answer.seeds_needed,
        at_least=False,
        identical=answer.why == "identical",
        role=end.role,
        measure=end.measure,
    )


def _rest(
    record: ExperimentRecord,
    plan: Plan,
    ends: Sequence[Endpoint],
    arm: str,
    samples: Sequence[Sample],
    level: float,
) -> list[Effect]:
    """The other questions of one arm, at one level together; adjusted p-values are on the scale of alpha."""
    results = [paired_t(sample.values, sample.resolution, ratio=sample.ratio) for sample in samples]
    p_values = [result.p for result in results]
    given = []
    for end, sample, result, adjusted, own in zip(
        ends, samples, results, holm(p_values), holm_levels(p_values, level), strict=True
    ):
        shown = min(1.0, adjusted * plan.alpha / level)
        given.append(effect_of((end, arm, sample), result, record.baseline, own, shown, answered=adjusted < level))
    return given
