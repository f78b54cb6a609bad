"""Reads a W&B offline file: LevelDB's log format around the protobuf records that the wandb package ships."""

from __future__ import annotations

import json
import struct
from pathlib import Path

BLOCK = 32768


def records(path: Path):
    """The raw records: 7-byte file header, then blocks of (crc, length, type) + payload, split at block ends."""
    raw = path.read_bytes()
    at, parts = 7, b""
    while at + 7 <= len(raw):
        left = BLOCK - at % BLOCK
        if left < 7:
            at += left
            continue
        _crc, length, kind = struct.unpack("<IHB", raw[at : at + 7])
        if kind == 0:
            at += left
            continue
        parts += raw[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in {1, 4}:  # whole, or the last part
            yield parts
            parts = b""


def read(folder: Path):
    """Config, history rows, summary and run fields of one offline run."""
    from wandb.proto import wandb_internal_pb2 as pb

    config, rows, summary, run = {}, [], {}, None
    (path,) = folder.glob("*.wandb")
    for raw in records(path):
        record = pb.Record()
        record.ParseFromString(raw)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            if run is None:
                run = record.run
            run.notes = record.run.notes or run.notes
            config |= values(record.run.config.update)
        elif kind == "config":
            config |= values(record.config.update)
        elif kind == "history":
            rows.append(values(record.history.item))
        elif kind == "summary":
            summary |= values(record.summary.update)
    return config, rows, summary, run


def values(items) -> dict:
    found: dict = {}
    for item in items:
        *path, last = [item.key] if item.key else item.nested_key
        place = found
        for part in path:
            place = place.setdefault(part, {})
        place[last] = json.loads(item.value_json)
    return found
