"""The decision: the page's title, and one sentence that says on which condition it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from droplab.analysis import MOST_SEEDS, NO_NUMBER, Effect, Primary, Verdict
from droplab.languages import in_a_row
from droplab.records import ExperimentRecord, RunRecord
from droplab.report.deployed import lost
from droplab.report.locale import Speaker
from droplab.report.naming import said
from droplab.report.numbers import interval, number


class Decision(NamedTuple):
    """What a reader should take along."""

    title: str
    sentence: str
    settled: bool
    """Whether an arm is recommended, or none is needed: what was found is bold then, else grey."""


class Failed(NamedTuple):
    """Runs that failed for one reason."""

    reason: str
    runs: tuple[int, ...]
    """Their places among the record's runs."""
    hint: str
    """The likely cause and what to try; empty where nothing is known."""


def decision(verdict: Verdict, record: ExperimentRecord, lang: str) -> Decision:
    """The decision in words.

    Raises:
        UserError: another language.
    """
    say = Speaker(lang)
    states = Counter(run.state for key, run in record.runs.items() if key not in verdict.spared)
    every = sum(states.values())
    if every and states["failed"] == every:
        grouped = failures(record, lang)
        causes = in_a_row(text for found in grouped for text in (found.reason, found.hint))
        return Decision(
            say("decision.failed" if every > 1 else "decision.failed_one", count=every), causes, settled=False
        )
    if not states["done"]:
        text = say("decision.continue", failed=states["failed"])
        return Decision(say("decision.unfinished", done=0, all=every), text, settled=False)
    if verdict.recommended != record.baseline:
        return Decision(say("decision.use", arm=verdict.recommended), _condition(verdict, record, say), settled=True)
    title, because, settled = _without_an_arm(verdict, record, say)
    main = verdict.primary
    return Decision(title, in_a_row([*(lost(main, record, say) if main else []), because]), settled)


def failures(record: ExperimentRecord, lang: str) -> tuple[Failed, ...]:
    """Failed runs, those of one reason together, the most frequent first."""
    say = Speaker(lang)
    groups: dict[str, list[int]] = {}
    for place, run in enumerate(record.runs.values()):
        if run.state == "failed":
            groups.setdefault(run.reason, []).append(place)
    runs = tuple(record.runs.values())
    found = [Failed(reason, tuple(places), _hint(runs[places[0]], record, say)) for reason, places in groups.items()]
    return tuple(sorted(found, key=lambda one: -len(one.runs)))


def _hint(run: RunRecord, record: ExperimentRecord, say: Speaker) -> str:
    """What probably made a run diverge: its learning rate."""
    rate = record.spec.get("recipe", {}).get("lr")
    if "NaN" not in run.reason or not isinstance(rate, (int, float)):
        return ""
    usual = 1e-3
    return say("decision.diverged", lr=f"{rate:g}", smaller=f"{min(rate / 10, usual):g}")


def _condition(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> str:
    main, base = verdict.primary, record.baseline
    if main is None:
        reasons = say("and").join(
            said(say, f"reason.{effect.measure.better}", effect.measure, mean=_size(effect))
            for effect in (verdict.effect(name, verdict.recommended) for name in verdict.better_by)
        )
        return say("decision.if.last", reasons=reasons, baseline=base, seeds=_pairs(verdict))
    found = main.of(verdict.recommended)
    key = f"decision.if.{found.kind}.{found.measure.better}"
    unit = found.measure.unit
    text = said(
        say,
        key,
        found.measure,
        mean=number(unit, found.mean, signed=False),
        interval=interval(unit, found.low, found.high),
        baseline=base,
        seeds=len(found.seeds),
    )
    return in_a_row([*lost(main, record, say), text])


def _pairs(verdict: Verdict) -> int:
    return max(len(effect.seeds) for effect in verdict.effects if effect.arm == verdict.recommended)


def _size(effect: Effect) -> str:
    return number(effect.unit, effect.mean, signed=False)


def _without_an_arm(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> tuple[str, str, bool]:
    """The title where no arm is named, why, and whether that is an answer."""
    base = record.baseline
    others = set(record.arms) - {base}
    if not others:
        return say("decision.alone"), say("because.alone", baseline=base), False
    if set(verdict.identical) == others:
        return say("decision.identical"), say("because.identical", baseline=base), False
    if verdict.primary is not None:
        return _second(verdict.primary, record, say)
    return _first(verdict, record, say)


def _first(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> tuple[str, str, bool]:
    """Of set "1"."""
    base = record.baseline
    effects = [effect for effect in verdict.effects if effect.role == "val" and effect.arm != base]
    worse = any(effect.status == "contradicted" for effect in effects)
    if not any(len(effect.seeds) > 1 for effect in effects):
        return say("decision.open"), say("because.too_few", baseline=base), False
    because = say("because.worse" if worse else "because.undecided", baseline=base)
    if verdict.improving:
        longer = say("because.longer", epochs=record.epochs)
        return say("decision.longer"), in_a_row([because, longer]), False
    if worse:
        return say("decision.stay", baseline=base), because, True
    return _undecided([effect.seeds_needed for effect in effects if effect.status == "undecided"], say), because, False


def _second(main: Primary, record: ExperimentRecord, say: Speaker) -> tuple[str, str, bool]:
    answers, base = main.answers, record.baseline
    says = {found.says for found in answers}
    because = say("because.worse" if "worse" in says else "because.undecided", baseline=base)
    if says == {"worse"}:
        return say("decision.stay", baseline=base), because, True
    if says <= {"equal", "worse"}:
        margin = number(main.end.measure.unit, main.plan.margin or 0.0, signed=False)
        return say("decision.equal"), said(say, "because.equal", main.end.measure, margin=margin), True
    looks = [found.next_look for found in answers if found.why == "look" and found.next_look]
    if looks:
        return say("decision.look", seeds=min(looks)), say("because.look", seeds=min(looks), baseline=base), False
    open_ones = [found for found in answers if found.says == "undecided"]
    if all(found.why == "few" for found in open_ones):
        return say("decision.open"), say("because.too_few", baseline=base), False
    ended = main.coming.ended if main.coming is not None else {}
    if open_ones and all(ended.get(found.arm) == "hopeless" for found in open_ones):
        return say("decision.hopeless"), because, False
    return _undecided([found.seeds_needed for found in open_ones], say), because, False


def _undecided(needed: Sequence[int | None], say: Speaker) -> str:
    """How many seeds would tell of the arm that needs fewest."""
    known = [seeds for seeds in needed if seeds is not None]
    if not known:
        return say("decision.open")
    known = [seeds for seeds in known if seeds != NO_NUMBER]
    if not known:
        return say("decision.never")
    if min(known) > MOST_SEEDS:
        return say("decision.many", most=MOST_SEEDS)
    return say("decision.seeds", seeds=min(known))
