"""An experiment's numbers as CSV, RFC 4180, in long form."""

from __future__ import annotations

import csv
import math
from typing import TextIO

from droplab.analysis import Verdict
from droplab.records import ExperimentRecord


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def write_metrics(record: ExperimentRecord, stream: TextIO) -> None:
    """One row per run, epoch and metric; epochs from 1. Numbers are exact: ``repr`` of the float."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["experiment", "arm", "seed", "state", "epoch", "metric", "value"])
    for key, run in record.runs.items():
        for epoch in range(run.epochs_done):
            for name, series in run.metrics.items():
                value = _number(series[epoch])
                if value:
                    writer.writerow([record.name, key.arm, key.seed, run.state, epoch + 1, name, value])


def write_effects(verdict: Verdict, stream: TextIO) -> None:
    """One row per endpoint and arm, then its value for each seed in one cell, separated by blanks."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for e in verdict.effects:
        writer.writerow(
            [
                *(e.finding, e.endpoint, e.arm, e.baseline, " ".join(map(str, e.seeds))),
                *(_number(value) for value in (e.mean, e.low, e.high, e.p, e.p_adjusted)),
                *(e.status, "" if e.seeds_needed is None else e.seeds_needed, str(e.at_least).lower()),
                " ".join(map(repr, e.values)),
                *(_number(value) for value in (e.adjusted_low, e.adjusted_high)),
                verdict.consequence(e),
            ]
        )


_COLUMNS = (
    *("finding", "endpoint", "arm", "baseline", "seeds", "mean", "low", "high", "p", "p_adjusted"),
    *("status", "seeds_needed", "at_least", "values"),
    *("adjusted_low", "adjusted_high", "consequence"),
)
