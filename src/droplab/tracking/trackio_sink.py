"""Trackio: the local dashboard, ``trackio show``. It has one run at a time, so runs take turns."""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import trackio

from droplab.records import Conclusion, Measurement, SinkRun
from droplab.tracking.names import bin_edges, flat, grouped
from droplab.tracking.told import VERDICT, report, stands_for_all

PROJECT = "droplab"
"""The project, unless ``TRACKIO_PROJECT`` names another."""


class TrackioSink:
    """Metrics, histograms and the verdict, as a report, in Trackio's own database (``TRACKIO_DIR``)."""

    def __init__(self, _folder: Path) -> None:
        self._project = os.environ.get("TRACKIO_PROJECT", PROJECT)
        self._open = ""
        self._run: Any = None
        self._with_epochs: dict[str, SinkRun] = {}
        self._conclusion: Conclusion | None = None

    def start(self, run: SinkRun) -> int:
        """Count what is there already."""
        self._switch(run)
        there = len(steps(self._project, run_name(run)))
        if there:
            self._with_epochs[run.id] = run
        return there

    def epoch(self, run: SinkRun, measurement: Measurement) -> None:
        """Metrics at step = epoch, from 1."""
        self._switch(run)
        values: dict[str, Any] = {
            grouped(name): value for name, value in measurement.metrics.items() if not math.isnan(value)
        }
        for item in measurement.histograms:
            edges = bin_edges(item.low, item.high, len(item.counts))
            values[f"{item.kind}s/{item.layer}"] = trackio.Histogram(np_histogram=(list(item.counts), edges))
        self._run.log(values, step=measurement.epoch + 1)
        self._with_epochs[run.id] = run

    def end(self, run: SinkRun, state: str, reason: str) -> None:  # noqa: ARG002  # Trackio keeps no states
        """Write what is left of it."""
        if self._open == run.id:
            self._finish()

    def conclude(self, conclusion: Conclusion) -> tuple[str, ...]:
        """Keep it for ``close``."""
        self._conclusion = conclusion
        return ()

    def close(self) -> tuple[str, ...]:
        """Write the verdict; say how to look at it."""
        self._finish()
        if self._conclusion is not None and self._with_epochs:
            self._report(self._with_epochs[stands_for_all(self._with_epochs)], report(self._conclusion))
        return (f'Trackio: trackio show --project "{self._project}"',)

    def _report(self, run: SinkRun, said: str) -> None:
        """As a report of a run, at a step that it has; earlier ones stay before it."""
        rows = trackio.SQLiteStorage.get_logs(self._project, run_name(run))
        if reports(rows)[-1:] == [said]:
            return
        self._switch(run)
        self._run.log({VERDICT: trackio.Markdown(said)}, step=max(int(row["step"]) for row in rows))
        self._finish()

    def _switch(self, run: SinkRun) -> None:
        if self._open == run.id:
            return
        self._finish()
        with contextlib.redirect_stdout(io.StringIO()):
            self._run = trackio.init(
                self._project,
                name=run_name(run),
                group=run.key.arm,
                config=dict(flat(run.config)),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
        self._open = run.id

    def _finish(self) -> None:
        if self._run is not None:
            with contextlib.redirect_stdout(io.StringIO()):
                trackio.finish()
        self._run, self._open = None, ""


def run_name(run: SinkRun) -> str:
    """The run's name in Trackio; unique there, as Trackio resumes by name."""
    return f"{run.key} · {run.id[:8]}"


def steps(project: str, name: str) -> set[int]:
    """The steps that a run has in Trackio's database."""
    return {int(row["step"]) for row in trackio.SQLiteStorage.get_logs(project, name)}


def reports(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The verdicts among a run's logs, the last one last."""
    found = (row.get(VERDICT) for row in rows)
    return [one["_value"] for one in found if isinstance(one, Mapping)]
