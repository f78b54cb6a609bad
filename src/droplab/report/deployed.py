"""Set "2" in words: the primary question, its answers, and what the headline says of them."""

from __future__ import annotations

import math
from statistics import median
from typing import NamedTuple

from droplab.analysis import MOST_SEEDS, NO_NUMBER, Answer, Failures, Primary, Verdict
from droplab.languages import in_a_row
from droplab.records import ExperimentRecord
from droplab.report.locale import Speaker
from droplab.report.naming import said
from droplab.report.numbers import interval, number
from droplab.report.scope import new_data


class Told(NamedTuple):
    """One answer: arm, mean, the interval it is read from, and the answer in words."""

    arm: str
    mean: str
    interval: str
    status: str


def question(main: Primary, record: ExperimentRecord, say: Speaker) -> str:
    """The primary question as it is asked."""
    return said(say, f"primary.{main.answers[0].kind}", main.end.measure, baseline=record.baseline)


def told(main: Primary, say: Speaker) -> tuple[Told, ...]:
    """The answers, in the order of the arms."""
    unit = main.end.measure.unit
    return tuple(
        Told(
            found.arm,
            number(unit, found.mean) if found.values else say("no_value"),
            "" if found.why == "identical" else interval(unit, found.low, found.high),
            status(found, main, say),
        )
        for found in main.answers
    )


def status(found: Answer, main: Primary, say: Speaker) -> str:
    """One answer in words."""
    if found.says == "equal":
        away = found.low > 0 or found.high < 0
        way = ("higher" if found.mean > 0 else "lower") if away else "same"
        return say(f"answer.equal.{way}", margin=number(found.measure.unit, main.plan.margin or 0.0, signed=False))
    if found.says != "undecided" or found.why == "identical":
        return say(f"status.{found.why or found.says}")
    if main.coming is not None and main.coming.ended.get(found.arm) == "hopeless":
        return say("answer.hopeless", seeds=main.plan.looks[-1])
    if found.why:
        return say(f"answer.{found.why}", seeds=found.next_look or 0)
    if found.seeds_needed is None:
        return say("answer.undecided")
    more = "many" if found.seeds_needed > MOST_SEEDS else "never" if found.seeds_needed == NO_NUMBER else "seeds"
    return say(f"answer.undecided_{more}", seeds=found.seeds_needed, most=MOST_SEEDS)


def headline(verdict: Verdict, main: Primary, record: ExperimentRecord, say: Speaker) -> str:
    """The arm to use, or why none is named; first of all, what failed."""
    return in_a_row([*lost(main, record, say), _advice(verdict, main, record, say)])


def lost(main: Primary, record: ExperimentRecord, say: Speaker) -> list[str]:
    """How many runs of which arms failed."""
    return [_lost(arm, failed, say) for arm, failed in _failures(main, record) if failed.count]


def _failures(main: Primary, record: ExperimentRecord) -> list[tuple[str, Failures]]:
    base = (record.baseline, main.answers[0].baseline_failures)
    return [base, *((found.arm, found.failures) for found in main.answers)]


def _lost(arm: str, failed: Failures, say: Speaker) -> str:
    shown = {"low": f"{failed.low:.0%}", "high": f"{failed.high:.0%}"}
    return say("advice.failures", arm=arm, count=failed.count, of=failed.of, **shown)


def _advice(verdict: Verdict, main: Primary, record: ExperimentRecord, say: Speaker) -> str:
    base, unit, measure = record.baseline, main.end.measure.unit, main.end.measure
    if verdict.recommended != base:
        found = main.of(verdict.recommended)
        reason = said(
            say,
            f"reason.{found.kind}.{measure.better}",
            measure,
            mean=number(unit, found.mean, signed=False),
            interval=interval(unit, found.low, found.high),
        )
        return say("advice.use", arm=found.arm, baseline=base, reasons=reason)
    answers = {found.says for found in main.answers}
    whys = {found.why for found in main.answers}
    if whys == {"identical"}:
        return say("advice.identical", baseline=base)
    if whys <= {"look", "few"} and "undecided" in answers and len(answers) == 1:
        waited = [found.next_look for found in main.answers if found.why == "look" and found.next_look]
        return say("advice.look", baseline=base, seeds=min(waited)) if waited else say("advice.too_few", baseline=base)
    if answers <= {"equal", "worse"} and "equal" in answers:
        margin = number(unit, main.plan.margin or 0.0, signed=False)
        return said(say, "advice.equal", measure, baseline=base, margin=margin)
    return say("advice.worse" if "worse" in answers else "advice.undecided", baseline=base)


def notes(main: Primary, say: Speaker) -> list[str]:
    """How the answers are to be read."""
    plan, unit = main.plan, main.end.measure.unit
    looks = say("comma").join(map(str, plan.looks))
    percent = f"{plan.alpha:.1%}".replace(".0%", "%")
    kind = main.answers[0].kind
    given = [
        say("note.primary.looks" if plan.sequential else "note.primary", percent=percent, looks=looks),
        said(say, f"note.{kind}", main.end.measure),
        say("note.margin", margin=number(unit, plan.margin, signed=False)) if plan.margin else say("note.no_margin"),
        say("note.asked_after"),
    ]
    ratios = [found.pairing for found in main.answers if not math.isnan(found.pairing)]
    if ratios:
        given.append(say("note.pairing", ratio=f"{median(ratios):.2f}"))
    given += new_data(main, say)
    if main.coming is not None and main.coming.saved:
        given.append(say("note.saved", count=main.coming.saved))
    if main.coming is not None and main.coming.runs:
        given.append(say("note.coming", count=len(main.coming.runs)))
    if main.family > len(main.answers):
        given.append(say("note.family", count=main.family))
    return given
