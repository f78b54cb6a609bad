"""W&B's offline runs: LevelDB's log format around records whose form the wandb package ships."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from droplab.errors import DataError, UserError
from droplab.foreign.runs import ForeignRun, flat, in_order

SUFFIX = ".wandb"
_BLOCK = 32768
_HEAD = 7
_WHOLE, _LAST = 1, 4


def read_offline(home: Path) -> list[ForeignRun]:
    """The runs of all ``.wandb`` files; of a run that was continued, its files one after another.

    Raises:
        UserError: the wandb package is not installed.
        DataError: a file that is none of W&B's.
    """
    if find_spec("wandb") is None:
        raise UserError("W&B's files are read with a package that is not here: pip install 'droplab[wandb]'")
    paths = [home] if home.is_file() else sorted(home.rglob(f"*{SUFFIX}"))
    config: dict[str, dict[str, Any]] = {}
    points: dict[str, dict[str, list[tuple[float, float]]]] = {}
    places: dict[str, Path] = {}
    failed: dict[str, str] = {}
    for path in paths:
        run_id = path.stem
        for kind, values in _records(path):
            if kind == "run":
                run_id = str(values.pop("_run_id", run_id))
                places.setdefault(run_id, path)
            if kind in {"run", "config"}:
                config.setdefault(run_id, {}).update(values)
            elif kind == "exit" and values["code"]:
                failed[run_id] = f"it ended with exit code {values['code']}"
            elif kind == "history":
                step = float(values.get("_step", 0))
                for name, value in flat(values):
                    if not name.startswith("_") and _is_number(value):
                        points.setdefault(run_id, {}).setdefault(name, []).append((step, float(value)))
        places.setdefault(run_id, path)
    return [
        ForeignRun(
            str(place),
            {name: value for name, value in flat(config.get(run_id, {})) if not name.startswith("_wandb")},
            {name: in_order(found) for name, found in points.get(run_id, {}).items()},
            failed.get(run_id, ""),
        )
        for run_id, place in places.items()
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    from google.protobuf.message import DecodeError
    from wandb.proto import wandb_internal_pb2 as pb

    try:
        for raw in _raw(path.read_bytes()):
            record = pb.Record()
            record.ParseFromString(raw)
            kind = record.WhichOneof("record_type")
            if kind == "run":
                yield kind, {"_run_id": record.run.run_id, **_values(record.run.config.update)}
            elif kind == "config":
                yield kind, _values(record.config.update)
            elif kind == "history":
                yield kind, {**_values(record.history.item), "_step": record.history.step.num}
            elif kind == "exit":
                yield kind, {"code": record.exit.exit_code}
    except (DecodeError, struct.error, ValueError) as problem:
        raise DataError(f"{path} is no file of W&B's, or damaged: {problem}") from None


def _raw(data: bytes) -> Iterator[bytes]:
    """The records: a 7-byte file header, then blocks of (crc, length, type) and payload, split at block ends."""
    at, parts = _HEAD, b""
    while at + _HEAD <= len(data):
        left = _BLOCK - at % _BLOCK
        if left < _HEAD:
            at += left
            continue
        _crc, length, kind = struct.unpack("<IHB", data[at : at + _HEAD])
        if kind == 0:
            at += left
            continue
        if at + _HEAD + length > len(data):  # the run was killed while it wrote this one
            return
        parts += data[at + _HEAD : at + _HEAD + length]
        at += _HEAD + length
        if kind in {_WHOLE, _LAST}:
            yield parts
            parts = b""


def _values(items: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        *path, last = [item.key] if item.key else list(item.nested_key)
        place = found
        for part in path:
            place = place.setdefault(part, {})
        place[last] = json.loads(item.value_json)
    return found
