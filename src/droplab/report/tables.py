"""An experiment's numbers as CSV, RFC 4180, in long form.

Texts that a spreadsheet would take for a formula begin with an apostrophe there; control characters are signs.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from typing import TextIO

from droplab.analysis import Verdict
from droplab.errors import plain
from droplab.records import ExperimentRecord, RunRecord

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = (
    *("finding", "endpoint", "arm", "baseline", "seeds", "mean", "low", "high", "p", "p_adjusted"),
    *("status", "seeds_needed", "at_least", "values"),
    *("adjusted_low", "adjusted_high", "consequence"),
)


def _text(text: str) -> str:
    """A cell of text that is no formula: ``=HYPERLINK(...)`` as an arm's name would send what the sheet holds."""
    return ("'" if text.startswith(_FORMULA) else "") + plain(text)


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def write_metrics(record: ExperimentRecord, stream: TextIO) -> None:
    """One row per run, epoch and metric; epochs from 1. Numbers are exact: ``repr`` of the float.

    What was measured on folds of the validation samples follows, as ``FIGURE/foldN/sum`` and ``FIGURE/foldN/count``. A
    run that failed in its first epoch has one row, without epoch, metric and value.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["experiment", "arm", "seed", "state", "epoch", "metric", "value"])
    experiment = _text(record.name)
    for key, run in record.runs.items():
        arm, state = _text(key.arm), _text(run.state)
        if run.state == "failed" and not run.epochs_done:
            writer.writerow([experiment, arm, key.seed, state, "", "", ""])
        for epoch in range(run.epochs_done):
            for name, series in run.metrics.items():
                value = _number(series[epoch])
                if value:
                    writer.writerow([experiment, arm, key.seed, state, epoch + 1, _text(name), value])
            for name, sums in _folds(run, epoch):
                writer.writerow([experiment, arm, key.seed, state, epoch + 1, _text(name), _number(sums)])


def _folds(run: RunRecord, epoch: int) -> Iterator[tuple[str, float]]:
    """What a run measured on each fold, as ``FIGURE/foldN/sum`` and ``FIGURE/foldN/count``."""
    for name, series in run.folds.items():
        for fold, pair in enumerate(series[epoch]):
            yield from zip((f"{name}/fold{fold}/sum", f"{name}/fold{fold}/count"), pair, strict=True)


def write_effects(verdict: Verdict, stream: TextIO) -> None:
    """One row per endpoint and arm, then its value for each seed in one cell, separated by blanks."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for e in verdict.effects:
        writer.writerow(
            [
                *(e.finding, e.endpoint, _text(e.arm), _text(e.baseline), " ".join(map(str, e.seeds))),
                *(_number(value) for value in (e.mean, e.low, e.high, e.p, e.p_adjusted)),
                *(e.status, "" if e.seeds_needed is None else e.seeds_needed, str(e.at_least).lower()),
                " ".join(map(repr, e.values)),
                *(_number(value) for value in (e.adjusted_low, e.adjusted_high)),
                verdict.consequence(e),
            ]
        )
