"""An experiment's line in the list: how far it is, its answer, its curves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from droplab.analysis import Verdict, thin
from droplab.board.parts import to_json
from droplab.languages import LANGUAGES
from droplab.records import ExperimentRecord, RunKey, RunRecord
from droplab.report import report_words, summaries
from droplab.report.decision import decision
from droplab.report.rows import lines

POINTS = 60
"""Of a small curve at most."""
LINES = 6
"""Curves at most; a colour each."""


def state_of(record: ExperimentRecord, spared: Collection[RunKey]) -> str:
    """``running``, ``done``, ``failed``, ``interrupted``, or ``planned`` where nothing was begun."""
    states = Counter(run.state for key, run in record.runs.items() if key not in spared)
    every = states.total()
    if states["running"]:
        return "running"
    if states["done"] and states["done"] + states["failed"] == every:
        return "done"
    if every and states["failed"] == every:
        return "failed"
    return "planned" if states["planned"] == every else "interrupted"


def row(
    identity: str,
    folder: Path,
    place: Path,
    record: ExperimentRecord | None,
    verdict: Verdict | None,
    trouble: Mapping[str, str] | None,
    changed: float,
) -> str:
    """As JSON; ``state`` is ``broken`` where the ledger cannot be read, ``waiting`` where it was not read yet.

    Args:
        identity: what names it in addresses.
        folder: its own.
        place: what the user named, under which it was found.
        record: what its ledger holds, where that was read.
        verdict: what that allows to say, where it was judged.
        trouble: why it cannot be read, by language; ``None`` where it can be.
        changed: when the ledger was written last, in seconds since 1970.
    """
    told: dict[str, Any] = {
        "id": identity,
        "folder": str(folder.relative_to(place)) if folder != place else str(folder),
        "name": folder.name,
        "state": "broken" if trouble else "waiting",
        "trouble": trouble,
        "changed": changed,
    }
    if record is None:
        return to_json(told)
    spared = verdict.spared if verdict else frozenset[RunKey]()
    runs = [run for key, run in record.runs.items() if key not in spared]
    told |= {
        "name": record.name,
        "state": "broken" if trouble else state_of(record, spared),
        "arms": len(record.arms),
        "seeds": len(record.seeds),
        "runs": [len(runs), *(sum(run.state == state for run in runs) for state in ("done", "failed", "running"))],
        "epochs": [sum(run.epochs_done for run in runs), record.epochs * len(runs)],
        "baseline": record.baseline,
    }
    if verdict is not None:
        told |= _answer(record, verdict)
        told |= _curves(record, verdict)
    return to_json(told)


def _answer(record: ExperimentRecord, verdict: Verdict) -> dict[str, Any]:
    says = {arm: found["verdict"] for arm, found in summaries(verdict, record).items()}
    return {
        "decision": {code: decision(verdict, record, code)._asdict() for code in LANGUAGES},
        "answers": {code: [[*line, says.get(line.arm, "")] for line in lines(verdict, code)] for code in LANGUAGES},
        "recommended": verdict.recommended,
    }


def _curves(record: ExperimentRecord, verdict: Verdict) -> dict[str, Any]:
    """The primary measure on validation samples: means over runs, the arms that matter most."""
    metric = verdict.questions.turn
    runs = {
        arm: [run for key, run in record.runs.items() if key.arm == arm and run.metrics.get(metric)]
        for arm in record.arms
    }
    better = min if verdict.questions.primary.better == "lower" else max
    bests = {
        arm: fmean(found) for arm, of in runs.items() if (found := _finite(_best(run, metric, better) for run in of))
    }
    if not bests:
        return {}
    best = better(bests, key=lambda arm: bests[arm])
    shown = [arm for arm in dict.fromkeys((record.baseline, verdict.recommended, best, *record.arms)) if arm in bests]
    measure = verdict.questions.primary
    return {
        "metric": {code: report_words(record.measures, code).get(metric, metric) for code in LANGUAGES},
        "unit": measure.unit,
        "best": {"arm": best, "value": bests[best], "runs": len(runs[best])},
        "planned": record.epochs,
        "curves": [{"arm": arm, **_mean(runs[arm], metric)} for arm in shown[:LINES]],
    }


def _best(run: RunRecord, metric: str, better: Any) -> float:
    return float(better(_finite(run.metrics[metric]), default=math.nan))


def _finite(values: Any) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def _mean(runs: list[RunRecord], metric: str) -> dict[str, Any]:
    """Epochs, counted from 1, and the mean over the runs that have reached each."""
    longest = max(len(run.metrics[metric]) for run in runs)
    values = np.full((len(runs), longest), math.nan)
    for place, run in enumerate(runs):
        values[place, : len(run.metrics[metric])] = run.metrics[metric]
    known = np.isfinite(values)
    sums = np.where(known, values, 0.0).sum(0)
    count = known.sum(0)
    at = [int(epoch) for epoch in thin(range(longest), POINTS)]
    return {"x": [epoch + 1 for epoch in at], "y": [float(sums[e] / count[e]) if count[e] else None for e in at]}
