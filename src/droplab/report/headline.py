"""The verdict's headline, and what must not be read without: its price, its rivals, what early stopping would give."""

from __future__ import annotations

from droplab.analysis import JUDGED, Verdict
from droplab.records import ExperimentRecord
from droplab.report.locale import Speaker
from droplab.report.numbers import interval, number, spread_text

MOST_ARMS = 4
"""Of larger experiments, the line of early stopping shows the baseline and one more arm; the table has all."""
TENTH = 10
"""Fewer epochs have no last tenth."""


def advice(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> str:
    """The headline: the arm to use, or why none is named."""
    baseline = record.baseline
    if verdict.recommended != baseline:
        reasons = say("and").join(
            say(
                f"reason.{name}",
                mean=number(name, verdict.effect(name, verdict.recommended).mean, signed=False),
            )
            for name in verdict.better_by
        )
        return say("advice.use", arm=verdict.recommended, baseline=baseline, reasons=reasons)
    if len(record.arms) == 1:
        return say("advice.alone", baseline=baseline)
    others = [effect for effect in verdict.effects if effect.arm != baseline]
    if set(verdict.identical) == set(record.arms) - {baseline}:
        return say("advice.identical", baseline=baseline)
    if not any(len(effect.seeds) > 1 for effect in others):
        return say("advice.too_few", baseline=baseline)
    worse = any(effect.endpoint in JUDGED and effect.status == "contradicted" for effect in others)
    if verdict.improving:
        return say("advice.longer_worse" if worse else "advice.longer", baseline=baseline, epochs=record.epochs)
    return say("advice.worse" if worse else "advice.undecided", baseline=baseline)


def beside(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> tuple[str, ...]:
    """Lines that belong to the headline; none where no run is finished."""
    lines = []
    arm = verdict.recommended
    if arm != record.baseline:
        lines += [_other(verdict, name, arm, say) for name in JUDGED if name not in verdict.better_by]
        if verdict.rivals:
            lines.append(say("beside.rivals", arm=arm, baseline=record.baseline, rivals=_listed(verdict.rivals, say)))
    if verdict.identical:
        lines.append(say("beside.identical", arms=_listed(verdict.identical, say), baseline=record.baseline))
    if verdict.improving:
        end = "beside.longer" if record.epochs >= TENTH else "beside.longer_last"
        lines.append(say(end, arms=_listed(verdict.improving, say), epochs=record.epochs))
    return tuple(filter(None, [*lines, _early(verdict, record, say)]))


def _listed(arms: tuple[str, ...], say: Speaker) -> str:
    return say("comma").join(say("quoted", arm=arm) for arm in arms)


def _other(verdict: Verdict, name: str, arm: str, say: Speaker) -> str:
    """What the recommendation does not rest on: validation accuracy, or loss."""
    effect = verdict.effect(name, arm)
    if len(effect.seeds) < 2:
        return ""
    plain = interval(name, effect.low, effect.high)
    return say(f"beside.{name}", mean=number(name, effect.mean), interval=plain)


def _early(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> str:
    """Each run at its lowest validation loss; described, as the epoch is chosen on what is measured."""
    done = [found for found in verdict.summaries if found.n]
    base = next((found for found in done if found.arm == record.baseline), None)
    others = [found for found in done if found is not base]
    if base is None or not others:
        return ""
    lowest = min(others, key=lambda found: found.best["val_loss"].mean)
    chosen = next((found for found in others if found.arm == verdict.recommended), lowest)
    shown = [base, *(others if len(done) <= MOST_ARMS else [chosen])]
    arms = [
        say(
            "early.arm",
            arm=found.arm,
            loss=spread_text(found.best["val_loss"]),
            accuracy=spread_text(found.best["val_accuracy"], share=True),
        )
        for found in shown
    ]
    lower = chosen.best["val_loss"].mean < base.best["val_loss"].mean
    means = say("early.lower" if lower else "early.not_lower", arm=chosen.arm, baseline=base.arm)
    return say("beside.early", arms=say("semicolon").join(arms), means=means)
