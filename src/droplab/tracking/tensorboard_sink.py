"""TensorBoard: one event file per run under ``FOLDER/tracking/tensorboard``; needs no torch and no TensorFlow."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from droplab.records import Conclusion, Histogram, Measurement, SinkRun
from droplab.tracking.event_files import add, text
from droplab.tracking.hparams import columns, session, table
from droplab.tracking.names import bin_edges, grouped, slug
from droplab.tracking.told import VERDICT, listed, report, stands_for_all


class TensorboardSink:
    """Event files. A run that is opened again is written anew: event files cannot be corrected.

    Hyperparameters and verdict, which concern all runs, come last, in a second file of each.
    """

    def __init__(self, folder: Path) -> None:
        self._home = folder / "tracking" / "tensorboard"
        self._writers: dict[str, EventFileWriter] = {}
        self._runs: dict[str, SinkRun] = {}
        self._states: dict[str, str] = {}
        self._tags: set[str] = set()
        self._conclusion: Conclusion | None = None

    def start(self, run: SinkRun) -> int:
        """Begin the run's event file; older ones of the same run go."""
        place = self._place(run)
        for old in place.glob("events.out.tfevents.*"):
            old.unlink()
        writer = EventFileWriter(str(place))
        self._writers[run.id] = writer
        self._runs[run.id] = run
        spec = json.dumps(run.config, indent=2, ensure_ascii=False)
        add(writer, [text("config", f"```json\n{spec}\n```", "the experiment's spec")], 0)
        return 0

    def _place(self, run: SinkRun) -> Path:
        return self._home / f"{slug(run.key.arm)}-seed{run.key.seed}-{run.id[:6]}"

    def epoch(self, run: SinkRun, measurement: Measurement) -> None:
        """Scalars and histograms at step = epoch, from 1."""
        values = [
            Summary.Value(tag=grouped(name), simple_value=value)
            for name, value in measurement.metrics.items()
            if not math.isnan(value)
        ]
        self._tags |= {value.tag for value in values}
        values += [
            Summary.Value(tag=f"{item.kind}s/{item.layer}", histo=_histogram(item)) for item in measurement.histograms
        ]
        add(self._writers[run.id], values, measurement.epoch + 1)

    def end(self, run: SinkRun, state: str, reason: str) -> None:
        """Note how the run ended and close its file."""
        writer = self._writers.pop(run.id)
        self._states[run.id] = state
        add(writer, [text("state", f"{state} {reason}".strip())], run.epochs)
        writer.close()

    def conclude(self, conclusion: Conclusion) -> tuple[str, ...]:
        """Keep it for ``close``."""
        self._conclusion = conclusion
        return ()

    def close(self) -> tuple[str, ...]:
        """Write what concerns all runs; say where the files are."""
        for writer in self._writers.values():
            writer.close()
        found = columns(self._runs)
        for name, run in self._runs.items():
            values = [value for one in session(name, found[name], self._states.get(name, "")) for value in one.value]
            if self._conclusion is not None:
                values.append(text(VERDICT, listed(self._conclusion.arms[run.key.arm])))
            if name == stands_for_all(self._runs):
                values += table(found, run.measures, self._tags).value
                values += [] if self._conclusion is None else [text("droplab/report", report(self._conclusion))]
            writer = EventFileWriter(str(self._place(run)), filename_suffix=".droplab")
            add(writer, values, 0)
            writer.close()
        return (f"TensorBoard: tensorboard --logdir {self._home}",)


def _histogram(item: Histogram) -> Any:
    edges = bin_edges(item.low, item.high, len(item.counts))
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    return HistogramProto(
        min=item.low,
        max=item.high,
        num=float(sum(item.counts)),
        sum=sum(count * middle for count, middle in zip(item.counts, middles, strict=True)),
        sum_squares=sum(count * middle**2 for count, middle in zip(item.counts, middles, strict=True)),
        bucket_limit=edges[1:],
        bucket=[float(count) for count in item.counts],
    )
