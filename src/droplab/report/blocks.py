"""A verdict as words in one language, not yet laid out: the terminal and the page share it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from droplab.analysis import MOST_SEEDS, ArmSummary, Effect, Spread, Verdict
from droplab.records import ExperimentRecord
from droplab.report.locale import Speaker
from droplab.report.notices import notice_texts

SHARES = {"fit_accuracy", "val_accuracy"}
"""Endpoints that are fractions and read in percentage points."""
SUMMARY_COLUMNS = ("fit_accuracy", "fit_loss", "val_loss", "val_accuracy", "gap")


class Row(NamedTuple):
    """One effect: name, mean, interval and status as they are read."""

    name: str
    mean: str
    interval: str
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


class Blocks(NamedTuple):
    """Everything that the verdict says, in reading order."""

    title: str
    advice: str
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


def blocks(verdict: Verdict, record: ExperimentRecord, lang: str = "en") -> Blocks:
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
    return Blocks(
        title=_title(record, say),
        advice=_advice(verdict, record, say),
        findings=tuple(Finding(say(f"finding.{n}"), _groups(effects, say)) for n, effects in found if effects),
        underfits=tuple(say("underfits", arm=arm) for arm in verdict.underfits),
        arms_title=say("arms.title"),
        arms=_arm_rows(verdict.summaries, say),
        notices_title=say("notices.title"),
        notices=notice_texts(record, lang),
        reading_title=say("reading.title"),
        notes=_notes(verdict, record, say),
    )


def _title(record: ExperimentRecord, say: Speaker) -> str:
    return say(
        "title",
        name=record.name,
        data=record.spec["data"]["name"],
        model=record.spec["model"]["name"],
        train=f"{record.sizes['train']:,}",
        validation=f"{record.sizes['validation']:,}",
        arms=len(record.arms),
        seeds=len(record.seeds),
        epochs=record.epochs,
    )


def _advice(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> str:
    if verdict.recommended != record.baseline:
        reasons = say("and").join(
            say(
                f"reason.{name}",
                mean=number(name, verdict.effect(name, verdict.recommended).mean, signed=False),
            )
            for name in verdict.better_by
        )
        return say("advice.use", arm=verdict.recommended, baseline=record.baseline, reasons=reasons)
    if len(record.arms) == 1:
        return say("advice.alone", baseline=record.baseline)
    others = [effect for effect in verdict.effects if effect.arm != record.baseline]
    if not any(len(effect.seeds) > 1 for effect in others):
        return say("advice.too_few", baseline=record.baseline)
    if any(effect.finding == 3 and effect.status == "contradicted" for effect in others):
        return say("advice.worse", baseline=record.baseline)
    return say("advice.undecided", baseline=record.baseline)


def _groups(effects: Iterable[tuple[int, Effect]], say: Speaker) -> tuple[Group, ...]:
    groups: dict[str, list[Row]] = {}
    for place, effect in effects:
        against = "" if effect.finding == 1 else say("against", arm=effect.arm, baseline=effect.baseline)
        groups.setdefault(against, []).append(_row(effect, place, say))
    return tuple(Group(heading, tuple(rows)) for heading, rows in groups.items())


def _row(effect: Effect, place: int, say: Speaker) -> Row:
    if not effect.seeds:
        return Row(say(f"endpoint.{effect.endpoint}"), say("no_value"), "", say("status.undecided"), place)
    mean = ("≥ " if effect.at_least else "") + number(effect.endpoint, effect.mean)
    interval = ""
    if not math.isnan(effect.low):
        interval = f"[{number(effect.endpoint, effect.low)}, {number(effect.endpoint, effect.high)}]"
    return Row(say(f"endpoint.{effect.endpoint}"), mean, interval, _status(effect, say), place)


def _status(effect: Effect, say: Speaker) -> str:
    if effect.status != "undecided" or effect.seeds_needed is None:
        return say(f"status.{effect.status}")
    if effect.seeds_needed > MOST_SEEDS:
        return say("status.undecided_many", most=MOST_SEEDS)
    return say("status.undecided_seeds", seeds=effect.seeds_needed)


def number(endpoint: str, value: float, *, signed: bool = True) -> str:
    """A difference as it is read: accuracies in percentage points, losses in nats, turning in epochs.

    >>> number("val_accuracy", 0.0237), number("val_loss", -0.5), number("turning_epoch", 6.6)
    ('+2.37 pp', '-0.5000', '+6.6')
    """
    value = value if signed else abs(value)
    sign = "+" if signed else ""
    if endpoint in SHARES:
        return f"{value * 100:{sign}.2f} pp"
    return f"{value:{sign}.1f}" if endpoint == "turning_epoch" else f"{value:{sign}.4f}"


def _arm_rows(summaries: Iterable[ArmSummary], say: Speaker) -> tuple[tuple[str, ...], ...]:
    columns = ("arm", "runs", *SUMMARY_COLUMNS, "turning", "best")
    rows = [tuple(say(f"column.{name}") for name in columns)]
    for arm in summaries:
        last = [_spread(arm.last[name], share=name in SHARES) for name in SUMMARY_COLUMNS]
        turning = ("≥ " if arm.censored else "") + _spread(arm.turning_epoch, digits=1)
        rows.append((arm.arm, str(arm.n), *last, turning, _spread(arm.best["val_loss"])))
    return tuple(rows)


def _spread(spread: Spread, *, share: bool = False, digits: int = 3) -> str:
    mean, sd = spread.mean, spread.sd
    if math.isnan(mean):
        return "-"
    if share:
        mean, sd, digits = mean * 100, sd * 100, 1
    return f"{mean:.{digits}f}" + ("" if math.isnan(sd) else f" ± {sd:.{digits}f}")


def _notes(verdict: Verdict, record: ExperimentRecord, say: Speaker) -> tuple[str, ...]:
    failed = [record.runs[key] for key in verdict.unfinished if record.runs[key].state == "failed"]
    notes = [say("note.scope"), say("note.tests", percent=f"{verdict.alpha:.0%}"), say("note.turning")]
    if any(effect.at_least for effect in verdict.effects):
        notes.append(say("note.censored"))
    if len(record.seeds) == 1:
        notes.append(say("note.one_seed"))
    if len(verdict.unfinished) > len(failed):
        notes.append(say("note.unfinished", count=len(verdict.unfinished) - len(failed)))
    notes += [say("note.failed", run=str(run.key), reason=run.reason) for run in failed]
    if record.looks:
        notes.append(say("note.looks", count=record.looks))
    notes.append(say("note.test", count=record.test_openings))
    return tuple(notes)
