"""The verdict's headline, and what must not be read without: its price, its rivals, what early stopping would give."""

from __future__ import annotations

from droplab.analysis import ArmSummary, Effect, Questions, Verdict, by_weight
from droplab.records import ExperimentRecord
from droplab.report.locale import Speaker
from droplab.report.naming import said
from droplab.report.numbers import interval, number, spread_text

MOST_ARMS = 4
"""Of larger experiments, the line of early stopping shows the baseline and one more arm; the table has all."""
TENTH = 10
"""Fewer epochs have no last tenth."""


def advice(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> str:
    """The headline of set "1": the arm to use, or why none is named."""
    baseline = record.baseline
    if verdict.recommended != baseline:
        reasons = say("and").join(
            said(
                say,
                f"reason.{effect.measure.better}",
                effect.measure,
                mean=number(effect.unit, effect.mean, signed=False),
            )
            for effect in (verdict.effect(name, verdict.recommended) for name in verdict.better_by)
        )
        return say("advice.use", arm=verdict.recommended, baseline=baseline, reasons=reasons)
    if len(record.arms) == 1:
        return say("advice.alone", baseline=baseline)
    others = [effect for effect in verdict.effects if effect.arm != baseline]
    if set(verdict.identical) == set(record.arms) - {baseline}:
        return say("advice.identical", baseline=baseline)
    if not any(len(effect.seeds) > 1 for effect in others):
        return say("advice.too_few", baseline=baseline)
    worse = any(effect.role == "val" and effect.status == "contradicted" for effect in others)
    if verdict.improving:
        return say("advice.longer_worse" if worse else "advice.longer", baseline=baseline, epochs=record.epochs)
    return say("advice.worse" if worse else "advice.undecided", baseline=baseline)


def beside(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> tuple[str, ...]:
    """Lines that belong to the headline; none where no run is finished."""
    lines = []
    arm = verdict.recommended
    if arm != record.baseline and verdict.primary is not None and verdict.rivals:
        rivals = _listed(verdict.rivals, say)
        lines.append(say("beside.rivals_deployed", arm=arm, baseline=record.baseline, rivals=rivals))
    if arm != record.baseline and verdict.primary is None:
        rest = [end.name for end in verdict.questions.judged if end.name not in verdict.better_by]
        lines += [_other(verdict.effect(name, arm), say) for name in rest]
        if verdict.rivals:
            first = by_weight(verdict.questions.judged)[0].measure
            rivals, most = _listed(verdict.rivals, say), say(f"most.{first.better}")
            lines.append(said(say, "beside.rivals", first, arm=arm, baseline=record.baseline, rivals=rivals, most=most))
    if verdict.identical:
        lines.append(say("beside.identical", arms=_listed(verdict.identical, say), baseline=record.baseline))
    if verdict.improving:
        end = "beside.longer" if record.epochs >= TENTH else "beside.longer_last"
        primary, arms = verdict.questions.primary, _listed(verdict.improving, say)
        extreme = say(f"extreme.{primary.better}")
        lines.append(said(say, end, primary, arms=arms, epochs=record.epochs, extreme=extreme))
    early = _early(verdict, record, say) if verdict.primary is None else ""
    return tuple(filter(None, [*lines, early]))


def _listed(arms: tuple[str, ...], say: Speaker) -> str:
    return say("comma").join(say("quoted", arm=arm) for arm in arms)


def _other(effect: Effect, say: Speaker) -> str:
    """What the recommendation does not rest on: validation accuracy, or loss."""
    if len(effect.seeds) < 2:
        return ""
    plain = interval(effect.unit, effect.low, effect.high)
    return said(say, "beside.val", effect.measure, mean=number(effect.unit, effect.mean), interval=plain)


def _early(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> str:
    """Each run at its best epoch; described, as the epoch is chosen on what is measured."""
    asked, primary = verdict.questions, verdict.questions.primary
    done = [found for found in verdict.summaries if found.n]
    base = next((found for found in done if found.arm == record.baseline), None)
    others = [found for found in done if found is not base]
    if base is None or not others or not asked.turn:
        return ""

    def gained(found: ArmSummary) -> float:
        return primary.sign * found.best[asked.turn].mean

    best = max(others, key=gained)
    chosen = next((found for found in others if found.arm == verdict.recommended), best)
    shown = [base, *(others if len(done) <= MOST_ARMS else [chosen])]
    arms = [say("early.arm", arm=found.arm, figures=_figures(found, asked, say)) for found in shown]
    key = f"early.{primary.better}" if gained(chosen) > gained(base) else f"early.not_{primary.better}"
    means = said(say, key, primary, arm=chosen.arm, baseline=base.arm)
    extreme = say(f"extreme.{primary.better}")
    return said(say, "beside.early", primary, arms=say("semicolon").join(arms), means=means, extreme=extreme)


def _figures(found: ArmSummary, asked: Questions, say: Speaker) -> str:
    """The measures at the best epoch."""
    figures = []
    for end in asked.judged:
        value = spread_text(found.best[end.name], end.measure.unit)
        percent = " %" if end.measure.unit == "share" else ""
        figures.append(said(say, "early.figure", end.measure, value=value + percent))
    return say("comma").join(figures)
