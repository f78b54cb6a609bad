"""TensorBoard: one event file per run under ``FOLDER/tracking/tensorboard``; needs no torch and no TensorFlow."""

from __future__ import annotations

import json
import math
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.text.metadata import create_summary_metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from droplab.records import Histogram, Measurement, SinkRun
from droplab.tracking.names import bin_edges, grouped, slug


class TensorboardSink:
    """Event files. A run that is opened again is written anew: event files cannot be corrected."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / "tracking" / "tensorboard"
        self._writers: dict[str, EventFileWriter] = {}

    def start(self, run: SinkRun) -> int:
        """Begin the run's event file; older ones of the same run go."""
        place = self._home / f"{slug(run.key.arm)}-seed{run.key.seed}-{run.id[:6]}"
        for old in place.glob("events.out.tfevents.*"):
            old.unlink()
        writer = EventFileWriter(str(place))
        self._writers[run.id] = writer
        text = json.dumps(run.config, indent=2, ensure_ascii=False)
        value = Summary.Value(
            tag="config/text_summary",
            metadata=create_summary_metadata("config", "the experiment's spec"),
            tensor=TensorProto(dtype=DT_STRING, string_val=[f"```json\n{text}\n```".encode()]),
        )
        _add(writer, [value], 0)
        return 0

    def epoch(self, run: SinkRun, measurement: Measurement) -> None:
        """Scalars and histograms at step = epoch, from 1."""
        values = [
            Summary.Value(tag=grouped(name), simple_value=value)
            for name, value in measurement.metrics.items()
            if not math.isnan(value)
        ]
        values += [
            Summary.Value(tag=f"{item.kind}s/{item.layer}", histo=_histogram(item)) for item in measurement.histograms
        ]
        _add(self._writers[run.id], values, measurement.epoch + 1)

    def end(self, run: SinkRun, state: str, reason: str) -> None:
        """Note how the run ended and close its file."""
        writer = self._writers.pop(run.id)
        value = Summary.Value(
            tag="state/text_summary",
            metadata=create_summary_metadata("state", ""),
            tensor=TensorProto(dtype=DT_STRING, string_val=[f"{state} {reason}".strip().encode()]),
        )
        _add(writer, [value], run.epochs)
        writer.close()

    def close(self) -> tuple[str, ...]:
        """Say where the files are."""
        for writer in self._writers.values():
            writer.close()
        return (f"TensorBoard: tensorboard --logdir {self._home}",)


def _add(writer: EventFileWriter, values: list[Any], step: int) -> None:
    writer.add_event(Event(step=step, summary=Summary(value=values), wall_time=time.time()))


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
