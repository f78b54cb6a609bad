"""A pilot in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress

from droplab.align import table, wrap
from droplab.analysis import MOST_SEEDS, Pilot, pilot, plan_of
from droplab.analysis.pilot import Expected, expected
from droplab.analysis.until import follows
from droplab.errors import UserError
from droplab.records import ExperimentRecord
from droplab.report.locale import Speaker
from droplab.report.naming import said
from droplab.report.numbers import number


def render_pilot(found: Pilot, name: str, lang: str = "en") -> str:
    """What the pilot tells, as one text.

    Args:
        found: the pilot.
        name: the experiment's.
        lang: ``en`` or ``ja``.

    Raises:
        UserError: another language.
    """
    say, unit = Speaker(lang), found.measure.unit

    def size(value: float) -> str:
        return number(unit, value, signed=False)

    lines = wrap(say("plan.title", name=name, runs=found.runs, arms=found.arms))
    lines += ["", *wrap(said(say, f"plan.of.{found.kind}", found.measure))]
    noise = {"sd": size(found.sd), "low": size(found.sd_low), "high": size(found.sd_high)}
    lines += wrap(say("plan.noise", mean=size(found.mean).removesuffix(" pp"), **noise))
    heads = (say("plan.seeds"), say("plan.effect"), say("plan.runs"), say("plan.time"))
    rows = [(str(one.seeds), size(one.effect), str(one.runs), _time(one.seconds, say)) for one in found.designs]
    lines += ["", *wrap(say("plan.fixed")), *table([heads, *rows])]
    lines += ["", *wrap(_until(found.looks, found.expected, size, say))]
    if found.for_margin is not None:
        more = found.for_margin > MOST_SEEDS
        lines += wrap(say("plan.margin_many" if more else "plan.margin", seeds=min(found.for_margin, MOST_SEEDS)))
    if found.least:
        lines += wrap(say("plan.splits", effect=size(found.least)))
    if not math.isnan(found.floor):
        lines += wrap(say("plan.floor", floor=size(found.floor)))
    return "\n".join([*lines, "", *wrap(say("plan.note"))])


def expectation(record: ExperimentRecord, lang: str = "en") -> str:
    """Seeds that a plan of several looks probably takes, for before it is carried out; empty of a fixed design.

    In the primary measure's own unit where two runs of the baseline have told its noise, else in standard deviations.

    Raises:
        UserError: another language.
    """
    plan, arms = plan_of(record), len(record.arms) - 1
    if plan is None or not follows(record, plan) or not arms:
        return ""
    say = Speaker(lang)
    if len(record.complete(record.baseline)) > 1:
        with suppress(UserError):  # its primary measure is not reported
            found = pilot(record, arms, plan)
            unit = found.measure.unit
            return _until(plan.looks, found.expected, lambda value: number(unit, value, signed=False), say)
    sizes = [expected(plan, d, d, 1 / arms) for d in (1.0, 2.0)]
    return _until(plan.looks, sizes, lambda value: say("plan.deviations", count=round(value)), say)


def _until(looks: Sequence[int], sizes: Sequence[Expected], size: Callable[[float], str], say: Speaker) -> str:
    told = [
        say("plan.expected", effect=size(one.effect), seeds=f"{one.seeds:.1f}", share=f"{one.decided:.0%}")
        for one in sizes
    ]
    return say("plan.until", looks=say("comma").join(map(str, looks)), sizes=say("semicolon").join(told))


def _time(seconds: float, say: Speaker) -> str:
    if math.isnan(seconds):
        return "-"
    if seconds < 60:
        return say("plan.time.seconds", time=f"{seconds:.0f}")
    if seconds < 7200:
        return say("plan.time.minutes", time=f"{seconds / 60:.0f}")
    return say("plan.time.hours", time=f"{seconds / 3600:.1f}")
