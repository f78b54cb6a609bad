"""A verdict as words in one language, not yet laid out: the terminal and the page share it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from droplab.analysis import MOST_SEEDS, NO_NUMBER, Effect, Questions, Verdict, scope_of
from droplab.records import ELSEWHERE, ExperimentRecord, are_images
from droplab.report.deployed import headline, notes, question, told
from droplab.report.headline import advice, beside
from droplab.report.locale import Speaker
from droplab.report.naming import endpoint, heading, of_measures, said
from droplab.report.notices import notice_texts
from droplab.report.numbers import interval, number, spread_text
from droplab.report.scope import scope


class Row(NamedTuple):
    """One effect: name, mean, intervals and what it means, as they are read."""

    name: str
    mean: str
    interval: str
    adjusted: str
    status: str
    effect: int
    """Its place among the verdict's effects."""


class Group(NamedTuple):
    """The effects of one arm; ``heading`` says against which, and is empty for the baseline's own."""

    heading: str
    rows: tuple[Row, ...]


class Finding(NamedTuple):
    """One of the three questions with its answers."""

    heading: str
    groups: tuple[Group, ...]


class Wording(NamedTuple):
    """Everything that the verdict says, in reading order."""

    title: str
    advice: str
    beside: tuple[str, ...]
    """What belongs to the headline: its price, its rivals, whether to train longer, what early stopping would give."""
    findings: tuple[Finding, ...]
    underfits: tuple[str, ...]
    arms_title: str
    arms: tuple[tuple[str, ...], ...]
    """A table; the first row holds the headings."""
    notices_title: str
    notices: tuple[str, ...]
    """What was seen by the check before the experiment, and by its runs."""
    reading_title: str
    notes: tuple[str, ...]


def wording(verdict: Verdict, record: ExperimentRecord, lang: str = "en") -> Wording:
    """The verdict in words.

    Args:
        verdict: what the statistics allow.
        record: the experiment it was drawn from.
        lang: ``en`` or ``ja``.

    Raises:
        UserError: another language.
    """
    say = Speaker(lang)
    numbered = list(enumerate(verdict.effects))
    found = [(n, [pair for pair in numbered if pair[1].finding == n]) for n in (1, 2, 3)]
    return Wording(
        title=_title(record, say),
        advice=(
            advice(verdict, record, say) if verdict.primary is None else headline(verdict, verdict.primary, record, say)
        ),
        beside=beside(verdict, record, say),
        findings=_primary(verdict, record, say)
        + tuple(
            Finding(_question(n, verdict, record, say), _groups(verdict, effects, say))
            for n, effects in found
            if effects
        ),
        underfits=tuple(_underfits(verdict, record, arm, say) for arm in verdict.underfits),
        arms_title=say("arms.title"),
        arms=_arm_rows(verdict, say),
        notices_title=say("notices.title"),
        notices=notice_texts(record, lang),
        reading_title=say("reading.title"),
        notes=_notes(verdict, record, say),
    )


def _primary(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> tuple[Finding, ...]:
    """The primary question of set "2"; its rows name arms, and show the one interval that is read."""
    main = verdict.primary
    if main is None:
        return ()
    places = {effect.arm: place for place, effect in enumerate(verdict.effects) if effect.finding == 0}
    rows = tuple(Row(row.arm, row.mean, row.interval, "", row.status, places[row.arm]) for row in told(main, say))
    return (Finding(question(main, record, say), (Group(say("primary.minus", baseline=record.baseline), rows),)),)


def _title(record: ExperimentRecord, say: Speaker) -> str:
    size = {"arms": len(record.arms), "seeds": len(record.seeds), "epochs": record.epochs}
    if not {"data", "model"} <= record.spec.keys():
        if "loop" in record.spec:
            return say("title.of_loop", name=record.name, loop=record.spec["loop"], **size)
        return say("title.loop", name=record.name, **size)
    return say(
        "title.images" if are_images(record.shape) else "title.samples",
        name=record.name,
        data=record.spec["data"]["name"],
        model=record.spec["model"]["name"],
        train=f"{record.sizes['train']:,}",
        validation=f"{record.sizes['validation']:,}",
        **size,
    )


def _question(finding: int, verdict: Verdict, record: ExperimentRecord, say: Speaker) -> str:
    """A finding as it is asked, with what is expected of dropout."""
    expected = []
    for end in verdict.questions.others:
        if end.finding == finding:
            way = ".higher" if end.claim > 0 else ".lower"
            expected.append(said(say, f"expect.{end.role}" + (way if end.role in {"fit", "val"} else ""), end.measure))
    key = of_measures(say, f"finding.{finding}", verdict.questions.measures)
    return say(key, baseline=record.baseline, expected=say("comma").join(expected))


def _underfits(verdict: Verdict, record: ExperimentRecord, arm: str, say: Speaker) -> str:
    """What the arm's dropout, or whatever else it does, has cost."""
    worse = next(e for e in verdict.effects if (e.arm, e.role, e.status) == (arm, "fit", "supported"))
    rival = any(one["name"] == arm and one.get("recipe") for one in record.spec.get("arms", ()))
    key = f"underfits.{'lower' if worse.mean < 0 else 'higher'}{'.rival' if rival else ''}"
    return said(say, key, worse.measure, arm=arm)


def _groups(verdict: Verdict, effects: Iterable[tuple[int, Effect]], say: Speaker) -> tuple[Group, ...]:
    groups: dict[str, list[Row]] = {}
    for place, effect in effects:
        against = "" if effect.finding == 1 else say("against", arm=effect.arm, baseline=effect.baseline)
        groups.setdefault(against, []).append(_row(verdict, effect, place, say))
    return tuple(Group(heading, tuple(rows)) for heading, rows in groups.items())


def _row(verdict: Verdict, effect: Effect, place: int, say: Speaker) -> Row:
    name = endpoint(say, verdict.question(effect))
    if not effect.seeds:
        return Row(name, say("no_value"), "", "", say("status.open"), place)
    mean = ("≥ " if effect.at_least else "") + number(effect.unit, effect.mean)
    if effect.identical:
        return Row(name, mean, "", "", say("status.identical"), place)
    plain = interval(effect.unit, effect.low, effect.high)
    wider = interval(effect.unit, effect.adjusted_low, effect.adjusted_high)
    adjusted = say("adjusted", interval=wider) if wider else ""
    return Row(name, mean, plain, adjusted, _status(verdict, effect, say), place)


def _status(verdict: Verdict, effect: Effect, say: Speaker) -> str:
    meant = verdict.consequence(effect)
    if meant != "open":
        role = f"fit.{effect.measure.better}" if effect.role == "fit" else effect.role
        special = f"status.{meant}.{role}.{effect.status}"
        return say(special if say.knows(special) else f"status.{meant}")
    if effect.seeds_needed is None:
        return say("status.open")
    if not any(effect.values):
        return say("status.equal")
    if effect.seeds_needed == NO_NUMBER:
        return say("status.open_never")
    if effect.seeds_needed > MOST_SEEDS:
        return say("status.open_many", most=MOST_SEEDS)
    return say("status.open_seeds", seeds=effect.seeds_needed)


def _arm_rows(verdict: Verdict, say: Speaker) -> tuple[tuple[str, ...], ...]:
    asked = verdict.questions
    last = [
        say("column.gap") if end.role == "gap" else heading(say, f"column.{end.role}", end.measure)
        for end in asked.shown
    ]
    turns = _turns(verdict)
    more = _deployed_columns(verdict, say)
    rows = [(say("column.arm"), say("column.runs"), *last, *(_best_heads(asked, say) if turns else ()), *more)]
    for arm in verdict.summaries:
        cells = [spread_text(arm.last[end.name], end.measure.unit) for end in asked.shown]
        if turns:
            cells.append(("≥ " if arm.censored else "") + spread_text(arm.turning_epoch, "epochs"))
            cells += [spread_text(arm.best[end.name], end.measure.unit) for end in asked.judged]
        if verdict.primary is not None and more:
            cells.append(spread_text(verdict.primary.spreads[arm.arm], asked.primary.unit))
            cells += ["-" if math.isnan(arm.seconds) else f"{arm.seconds:.4g}"] if len(more) > 1 else []
        rows.append((arm.arm, str(arm.n), *cells))
    return tuple(rows)


def _deployed_columns(verdict: Verdict, say: Speaker) -> tuple[str, ...]:
    """Headings of the measure as deployed, and of what a run costs."""
    main = verdict.primary
    if main is None or main.answers[0].kind != "deployed":
        return ()
    timed = not all(math.isnan(found.seconds) for found in verdict.summaries)
    return (heading(say, "column.deployed", main.end.measure), *([say("column.seconds")] if timed else []))


def _turns(verdict: Verdict) -> bool:
    """Whether an epoch can be the best of several."""
    return bool(verdict.questions.turn) and not (verdict.primary is not None and verdict.primary.reported_once)


def _best_heads(asked: Questions, say: Speaker) -> tuple[str, ...]:
    """Headings of what describes each run at its best epoch; none where the primary measure is not reported."""
    if not asked.turn:
        return ()
    primary, *others = (end.measure for end in asked.judged)
    return (
        say("column.turning" if primary.better == "lower" else "column.best_epoch"),
        heading(say, f"column.best.{primary.better}", primary),
        *(heading(say, "column.there", measure) for measure in others),
    )


def _notes(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> tuple[str, ...]:
    failed = [record.runs[key] for key in verdict.unfinished if record.runs[key].state == "failed"]
    how = notes(verdict.primary, say) if verdict.primary is not None else [_tests(verdict, say)]
    given = [scope(scope_of(record), say), *how, *(_described(verdict.questions, say) if _turns(verdict) else ())]
    if any(effect.at_least for effect in verdict.effects):
        given.append(say("note.censored"))
    if len(record.seeds) == 1:
        given.append(say("note.one_seed"))
    planned = verdict.primary is not None and verdict.primary.coming is not None  # its notes say what is to come
    if len(verdict.unfinished) > len(failed) and not planned:
        given.append(say("note.unfinished", count=len(verdict.unfinished) - len(failed)))
    given += [say("note.failed", run=str(run.key), reason=run.reason) for run in failed]
    if record.looks:
        given.append(say("note.looks", count=record.looks))
    if ELSEWHERE not in record.spec:
        given.append(say("note.test", count=record.test_openings))
    return tuple(given)


def _described(asked: Questions, say: Speaker) -> list[str]:
    """Which point of a run is meant, and what is not tested."""
    key = of_measures(say, "note.turning", asked.measures)
    given = [say(key)] if asked.overfits else []
    if asked.turn and (key == "note.turning" or not given):
        heads = [say("quoted", arm=head) for head in _best_heads(asked, say)]
        given.append(say("note.columns", columns=say("comma").join(heads)))
    if asked.gap_as_trained:
        given.append(said(say, "note.gap_as_trained", asked.primary))
    return given


def _tests(verdict: Verdict, say: Speaker) -> str:
    return say("note.tests", count=len(verdict.effects), percent=f"{verdict.alpha:.0%}")
