"""From an experiment's record to what the statistics allow to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from droplab.analysis.asking import effect_of
from droplab.analysis.describe import ArmSummary, summarise
from droplab.analysis.effect import Consequence, Effect, consequence
from droplab.analysis.endpoints import Sample, differences, identical, missing, overfits
from droplab.analysis.paired import Paired, holm, holm_levels, paired_t, seeds_needed
from droplab.analysis.planned import plan_of
from droplab.analysis.questions import Endpoint, Questions, questions
from droplab.analysis.recommend import Choice, recommend, recommend_deployed
from droplab.analysis.second import Primary, primary
from droplab.analysis.second import effects as second_effects
from droplab.records import ExperimentRecord, RunKey

ALPHA = 0.05
"""The chance of any false decision in an experiment's whole verdict, and of an interval missing the truth."""


@dataclass(frozen=True)
class Verdict:
    """What an experiment has shown, arm by arm, and the arm to use."""

    effects: tuple[Effect, ...]
    summaries: tuple[ArmSummary, ...]
    recommended: str
    """The arm to use; the baseline where no arm is shown to be better."""
    better_by: tuple[str, ...]
    """The supported endpoints that the recommendation rests on; empty for the baseline."""
    rivals: tuple[str, ...]
    """Arms that are shown to be better than the baseline too, and that the recommended one does not beat."""
    underfits: tuple[str, ...]
    """Arms that are worse on training samples and on validation samples, both shown."""
    unfinished: tuple[RunKey, ...]
    """Runs that no comparison can use; those that a plan does not need are none of them."""
    questions: Questions
    alpha: float = ALPHA
    primary: Primary | None = None
    """The primary question as deployed, of experiments of set "2"."""

    def effect(self, endpoint: str, arm: str) -> Effect:
        """The effect of that endpoint and arm."""
        return next(e for e in self.effects if (e.endpoint, e.arm) == (endpoint, arm))

    def question(self, effect: Effect) -> Endpoint:
        """The endpoint that one of the effects answers."""
        asked = (self.primary.end if self.primary else None, self.questions.overfits, *self.questions.others)
        return next(end for end in asked if end is not None and end.name == effect.endpoint)

    @property
    def spared(self) -> frozenset[RunKey]:
        """Runs that were planned and are not needed, as seeds were trained until decided."""
        return self.primary.coming.spared if self.primary and self.primary.coming else frozenset()

    def summary(self, arm: str) -> ArmSummary:
        """The arm in numbers, described."""
        return next(found for found in self.summaries if found.arm == arm)

    def consequence(self, effect: Effect) -> Consequence:
        """What one of the effects means: better, worse, a cost, or not clear yet."""
        return consequence(effect, self.effects)

    @property
    def improving(self) -> tuple[str, ...]:
        """Arms most of whose runs were still improving when training ended."""
        return tuple(found.arm for found in self.summaries if found.improving)

    @property
    def identical(self) -> tuple[str, ...]:
        """Arms that gave the baseline's very numbers."""
        return tuple(dict.fromkeys(effect.arm for effect in self.effects if effect.identical))


def judge(record: ExperimentRecord, alpha: float = ALPHA, *, family: int | None = None) -> Verdict:
    """Answer the questions of every arm (``questions.py``, ``second.py``) and draw the conclusions.

    Only finished runs count, and of those only seeds that arm and baseline share. Which arm is recommended is said
    by ``recommend.py``.

    Args:
        record: an experiment, finished or not; what it was asked (``planned.py``) is in it.
        alpha: family-wise error rate of the statuses of set "1"; a plan has its own.
        family: comparisons among which a plan's error is shared, where more than these were possible.
    """
    wanted = questions(record)
    plan = plan_of(record)
    if plan is not None:
        main = primary(record, wanted, plan, family)
        effects = second_effects(record, wanted, main) if main else ()
        choice = recommend_deployed(record, main, plan.alpha) if main else Choice(record.baseline, (), ())
        return _verdict(record, wanted, effects, choice, plan.alpha, main)
    effects = _first_effects(record, wanted, alpha)
    return _verdict(record, wanted, effects, recommend(record, effects, alpha), alpha)


def _verdict(
    record: ExperimentRecord,
    wanted: Questions,
    effects: tuple[Effect, ...],
    choice: Choice,
    alpha: float,
    main: Primary | None = None,
) -> Verdict:
    spared = main.coming.spared if main and main.coming else frozenset()
    return Verdict(
        effects,
        tuple(summarise(record, wanted, arm) for arm in record.arms),
        choice.arm,
        choice.better_by,
        choice.rivals,
        tuple(arm for arm in record.arms if arm != record.baseline and _underfits(effects, arm)),
        tuple(key for key in missing(record) if key not in spared),
        wanted,
        alpha,
        main,
    )


def _first_effects(record: ExperimentRecord, wanted: Questions, alpha: float) -> tuple[Effect, ...]:
    """Set "1": every question of every arm at once."""
    asked: list[tuple[Endpoint, str, Sample]] = []
    if wanted.overfits is not None:
        asked.append((wanted.overfits, record.baseline, overfits(record, wanted.overfits)))
    others = [arm for arm in record.arms if arm != record.baseline]
    asked += [(end, arm, differences(record, end, arm, record.baseline)) for arm in others for end in wanted.others]
    results = [paired_t(sample.values, sample.resolution, ratio=sample.ratio) for _, _, sample in asked]
    p_values = [result.p for result in results]
    adjusted, levels = holm(p_values), holm_levels(p_values, alpha)
    same = {arm for arm in others if identical(record, wanted, arm, record.baseline)}
    undecided = sum(p >= alpha for p in adjusted)
    return tuple(
        _effect(question, result, p, level, record.baseline, alpha, undecided, same=question[1] in same)
        for question, result, p, level in zip(asked, results, adjusted, levels, strict=True)
    )


def _effect(
    question: tuple[Endpoint, str, Sample],
    result: Paired,
    adjusted: float,
    level: float,
    baseline: str,
    alpha: float,
    undecided: int,
    *,
    same: bool,
) -> Effect:
    answered = adjusted < alpha
    needed = None if same or answered else seeds_needed(result, alpha / undecided)
    return effect_of(question, result, baseline, level, adjusted, answered=answered, needed=needed, identical=same)


def _underfits(effects: Sequence[Effect], arm: str) -> bool:
    found = {(effect.role, effect.status) for effect in effects if effect.arm == arm}
    return ("fit", "supported") in found and ("val", "contradicted") in found
