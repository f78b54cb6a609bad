"""MLflow: an SQLite store in the experiment's folder, or the server that ``MLFLOW_TRACKING_URI`` names."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

from mlflow import MlflowClient  # telemetry is decided at import
from mlflow.entities import Metric, Param, RunTag

from droplab.errors import masked
from droplab.measures import PARTS
from droplab.records import Conclusion, Measurement, SinkRun
from droplab.tracking.mlflow_verdict import write_values
from droplab.tracking.names import as_text, flat, grouped, shortened
from droplab.tracking.told import note

_STATUS = {"done": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
_BATCH = 1000  # the server's bound on metrics per call
_SECONDS = 10.0  # between writes
_PARAM = 6000  # and on the length of a parameter
_NOTE = "mlflow.note.content"
_EXPERIMENT_TAG = 5000


class MlflowSink:
    """Runs, parameters, metrics by ``log_batch``; histograms as JSON artifacts; the verdict as tags and description."""

    def __init__(self, folder: Path) -> None:
        home = (folder / "tracking").resolve()
        home.mkdir(parents=True, exist_ok=True)
        self._uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}"
        self._artifacts = None if os.environ.get("MLFLOW_TRACKING_URI") else (home / "mlflow-artifacts").as_uri()
        self._client = MlflowClient(tracking_uri=self._uri)
        self._ids: dict[str, str] = {}
        self._arms: dict[str, str] = {}
        self._experiments: set[str] = set()
        self._conclusion: Conclusion | None = None
        self._waiting: dict[str, list[Measurement]] = {}
        self._next = 0.0

    def start(self, run: SinkRun) -> int:
        """Find the run by its tag, or create it."""
        name = f"{run.experiment} {run.experiment_id[:8]}"
        found = self._client.get_experiment_by_name(name)
        experiment = found.experiment_id if found else self._client.create_experiment(name, self._artifacts)
        self._experiments.add(experiment)
        self._arms[run.id] = run.key.arm
        there = self._client.search_runs([experiment], f"tags.`droplab.run` = '{run.id}'", max_results=1)
        if there:
            self._ids[run.id] = there[0].info.run_id
            self._client.update_run(self._ids[run.id], status="RUNNING")
            primary = run.measures[0].name  # at least one of its values is measured in every epoch
            markers = (primary, *(name for part in PARTS for name in (f"{part}_{primary}", f"{part}/{primary}")))
            histories = (self._client.get_metric_history(self._ids[run.id], name) for name in markers)
            return max((metric.step for history in histories for metric in history), default=0)
        tags = {"droplab.run": run.id, "arm": run.key.arm, "seed": str(run.key.seed)}
        made = self._client.create_run(experiment, tags=tags, run_name=str(run.key))
        self._ids[run.id] = made.info.run_id
        params = [Param(key, as_text(value)[:_PARAM]) for key, value in flat(run.config)]
        self._client.log_batch(self._ids[run.id], params=params)
        return 0

    def epoch(self, run: SinkRun, measurement: Measurement) -> None:
        """Metrics at step = epoch, from 1; written in batches, every few seconds."""
        waiting = self._waiting.setdefault(run.id, [])
        waiting.append(measurement)
        metrics = sum(len(item.metrics) for item in waiting)
        if metrics + len(measurement.metrics) > _BATCH or time.monotonic() > self._next:
            self._write(run)

    def _write(self, run: SinkRun) -> None:
        """Whole epochs in one batch, which MLflow commits or leaves as a whole; histograms first."""
        waiting, self._waiting[run.id] = self._waiting.get(run.id, []), []
        if not waiting:
            return
        run_id, now = self._ids[run.id], int(time.time() * 1000)
        histograms = [
            {"epoch": m.epoch + 1, "kind": h.kind, "layer": h.layer, "low": h.low, "high": h.high, "counts": h.counts}
            for m in waiting
            for h in m.histograms
        ]
        if histograms:
            name = f"histograms/from-epoch-{waiting[0].epoch + 1:05d}.json"
            text = json.dumps({"histograms": histograms}, separators=(",", ":"))  # log_dict would indent it, slowly
            self._client.log_text(run_id, text, name)
        metrics = [
            Metric(grouped(name), value, now, m.epoch + 1)
            for m in waiting
            for name, value in m.metrics.items()
            if not math.isnan(value)
        ]
        for start in range(0, len(metrics), _BATCH):
            self._client.log_batch(run_id, metrics=metrics[start : start + _BATCH])
        self._next = time.monotonic() + _SECONDS

    def end(self, run: SinkRun, state: str, reason: str) -> None:
        """Set the run's status; the reason of a failure is a tag."""
        self._write(run)
        if reason:
            self._client.log_batch(self._ids[run.id], tags=[RunTag("reason", reason[:_PARAM])])
        if state in _STATUS:
            self._client.set_terminated(self._ids[run.id], _STATUS[state])

    def conclude(self, conclusion: Conclusion) -> tuple[str, ...]:
        """Keep it for ``close``."""
        self._conclusion = conclusion
        return ()

    def close(self) -> tuple[str, ...]:
        """Write the verdict; say how to look at it."""
        if self._conclusion is not None:
            self._write_verdict(self._conclusion)
        return (f"MLflow: mlflow ui --backend-store-uri {masked(self._uri)}",)

    def _write_verdict(self, conclusion: Conclusion) -> None:
        """Into each run, by which runs can be searched and sorted, and as descriptions."""
        said = note(conclusion)
        for experiment in self._experiments:
            self._client.set_experiment_tag(experiment, _NOTE, shortened(said, _EXPERIMENT_TAG))
        for run, run_id in self._ids.items():
            write_values(self._client, run_id, conclusion.arms[self._arms[run]])
            self._client.set_tag(run_id, _NOTE, shortened(said, _PARAM))
