"""All figures: a line for each panel of the page that has one, and why others have none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from droplab.report.figures import answer, curves, doses, effects, inside, slopes, when
from droplab.report.figures.canvas import Canvas
from droplab.report.figures.sheet import Sheet

Why = list[str]


class Kind(NamedTuple):
    """One figure, or one for each of its parts: ``when.val_accuracy``."""

    name: str
    panel: str
    """Of the page, which shows the same."""
    draw: Callable[[Sheet, Canvas, str], None]
    missing: Callable[[Sheet], Why]
    """Why it cannot be drawn; empty where it can."""
    parts: Callable[[Sheet], Mapping[str, str]]
    """By name, with what each shows."""
    main: Callable[[Sheet], Sequence[str]]
    """The parts that are listed first."""


def _none(_sheet: Sheet) -> Mapping[str, str]:
    return {}


def _nothing(_sheet: Sheet) -> Sequence[str]:
    return ()


def _uncompared(sheet: Sheet) -> Why:
    why: Why = []
    if not sheet.others:
        why.append("the experiment has one arm, and nothing to compare it with")
    elif not sheet.compared:
        wanted = [run for run in sheet.runs if run.state != "spared"]
        done = sum(run.state == "done" for run in wanted)
        failed = sum(run.state == "failed" for run in wanted)
        why.append(
            f"no seed is finished in both the baseline and another arm: {done} of {len(wanted)} runs are done and "
            f"{failed} failed; `droplab compare` continues"
        )
    return why


def _no_doses(sheet: Sheet) -> Why:
    why = _uncompared(sheet)
    if not why and not sheet.doses:
        why.append("the arms differ in more than a drop rate, or have fewer than three rates; `effects` compares them")
    return why


def _one_epoch(sheet: Sheet) -> Why:
    why = _uncompared(sheet)
    if not why and len(sheet.epochs) < 2:
        why.append("runs have reported once, so that there is no earlier epoch at which training could have ended")
    return why


def _no_epochs(sheet: Sheet) -> Why:
    why: Why = []
    if not any(run.epochs and run.metrics for run in sheet.runs):
        why.append("no run has finished an epoch yet")
    return why


def _no_histograms(sheet: Sheet) -> Why:
    why: Why = []
    if not sheet.data["ribbons"]:
        why.append("the ledger has no histograms of weights or gradients")
    return why


def _of_questions(sheet: Sheet) -> Mapping[str, str]:
    said = sheet.say("figure.when")
    return {line.endpoint: f"{said}: {sheet.title(line)}" for line in when.lines(sheet)}


def _questions(sheet: Sheet) -> Sequence[str]:
    return [line.endpoint for line in when.lines(sheet)]


def _of_metrics(sheet: Sheet) -> Mapping[str, str]:
    return {name: sheet.metric(name) for name in curves.names(sheet)}


def _of_tensors(sheet: Sheet) -> Mapping[str, str]:
    return {name: inside.title(sheet, name) for name in inside.tensors(sheet)}


def _first_tensors(sheet: Sheet) -> Sequence[str]:
    return inside.tensors(sheet)[:3]


KINDS: tuple[Kind, ...] = (
    Kind("answer", "answer", answer.draw, _uncompared, _none, _nothing),
    Kind("slopes", "answer", slopes.draw, _uncompared, _none, _nothing),
    Kind("doses", "effects", doses.draw, _no_doses, _none, _nothing),
    Kind("effects", "effects", effects.draw, _uncompared, _none, _nothing),
    Kind("when", "when", when.draw, _one_epoch, _of_questions, _questions),
    Kind("curves", "curves", curves.draw, _no_epochs, _of_metrics, curves.drawn),
    Kind("inside", "inside", inside.draw, _no_histograms, _of_tensors, _first_tensors),
)
"""In the order of the page; ``figure.NAME`` says what each shows."""
WITHOUT = ("runs", "images", "method")
"""Panels of the page that have no figure; ``figure.none.PANEL`` says why."""
