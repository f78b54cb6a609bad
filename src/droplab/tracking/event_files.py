"""TensorBoard's event files, written without torch and TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.text.metadata import create_summary_metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter


def add(writer: EventFileWriter, values: Sequence[Any], step: int) -> None:
    """One event with several ``Summary.Value``."""
    writer.add_event(Event(step=step, summary=Summary(value=values), wall_time=time.time()))


def text(tag: str, said: str, description: str = "") -> Any:
    """A text, which TensorBoard reads as Markdown."""
    return Summary.Value(
        tag=f"{tag}/text_summary",
        metadata=create_summary_metadata(tag, description),
        tensor=TensorProto(dtype=DT_STRING, string_val=[said.encode()]),
    )
