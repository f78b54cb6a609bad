"""What runs of a large ledger measured, kept beside it once it was read and checked: ``ledger.sqlite-read``.

Checking every row against its seal takes seconds for hundreds of thousands of epochs. What was found whole is therefore
kept with the SHA-256 of the ledger's file: while not a byte of that is another one, it need not be checked again. It is
no second ledger: whatever is wrong with it, the ledger is read as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from droplab.ledger.curves import Curves
from droplab.ledger.files import is_settled
from droplab.ledger.packing import PackedFolds, Pairs

LEAST = 8_000_000
"""Bytes; smaller ledgers are read in less than a second."""
_MAGIC = f"droplab read 1 {sys.byteorder}\n".encode()
_SPOILT = (OSError, ValueError, KeyError, TypeError, IndexError)


def fingerprint(path: Path) -> str:
    """The SHA-256 of a large ledger that nobody is writing; empty of others."""
    try:
        if path.stat().st_size < LEAST or not is_settled(path):
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def recall(path: Path, known: str) -> dict[int, Curves] | None:
    """By run, what was read of the ledger with that fingerprint; ``None`` where that is not kept."""
    if not known:
        return None
    try:
        raw = memoryview(_place(path).read_bytes())
        at = len(_MAGIC)
        if raw[:at] != _MAGIC or raw[at : at + 64] != known.encode():
            return None
        body = raw[at + 128 :]
        if raw[at + 64 : at + 128] != hashlib.sha256(body).hexdigest().encode():
            return None
        length = int.from_bytes(body[:8], "little")
        return _unpacked(json.loads(bytes(body[8 : 8 + length])), body[8 + length :])
    except _SPOILT:
        return None


def remember(path: Path, known: str, found: Mapping[int, Curves]) -> None:
    """Keep what was read, where the ledger is still what it was and its folder can be written."""
    if not known or fingerprint(path) != known:
        return
    head, parts = _packed(found)
    text = json.dumps(head).encode()
    body = b"".join([len(text).to_bytes(8, "little"), text, *parts])
    place = _place(path)
    partial = place.with_name(f"{place.name}.{os.getpid()}")
    with suppress(OSError):
        try:
            partial.write_bytes(_MAGIC + known.encode() + hashlib.sha256(body).hexdigest().encode() + body)
            partial.replace(place)
        finally:
            partial.unlink(missing_ok=True)


def _place(path: Path) -> Path:
    return path.with_name(f"{path.name}-read")


def _packed(found: Mapping[int, Curves]) -> tuple[list[Any], list[bytes]]:
    """Per run: number, epochs, names of metrics and of those with holes, folds with their bytes; and all numbers."""
    head: list[Any] = []
    parts: list[bytes] = []
    for run, curves in found.items():
        holes = [name for name, series in curves.metrics.items() if any(map(math.isnan, series))]
        folds: list[Any] = []
        for name, series in curves.folds.items():
            if isinstance(series, PackedFolds):
                folds.append([name, len(series.raw)])
            else:
                folds.append([name, series])
        head.append([run, curves.epochs, list(curves.metrics), holes, folds])
        parts += [array("d", series).tobytes() for series in curves.metrics.values()]
        parts += [series.raw for series in curves.folds.values() if isinstance(series, PackedFolds)]
    return head, parts


def _unpacked(head: list[Any], raw: memoryview) -> dict[int, Curves]:
    """The inverse; NaN is the one of ``math``, so that records that are read twice are equal."""
    found: dict[int, Curves] = {}
    at = 0
    for run, epochs, names, holes, folded in head:
        metrics: dict[str, tuple[float, ...]] = {}
        for name in names:
            numbers = array("d")
            numbers.frombytes(raw[at : at + 8 * epochs])
            at += 8 * epochs
            one_nan = (math.nan if math.isnan(one) else one for one in numbers)
            metrics[name] = tuple(one_nan if name in holes else numbers)
        folds: dict[str, Sequence[Pairs]] = {}
        for name, kept in folded:
            if isinstance(kept, int):
                folds[name] = PackedFolds(bytes(raw[at : at + kept]), epochs)
                at += kept
            else:
                folds[name] = tuple(tuple((total, count) for total, count in pairs) for pairs in kept)
        found[run] = Curves(epochs, metrics, folds)
    return found
