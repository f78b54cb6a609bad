"""A run as somebody else recorded it, and what its path tells of it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from droplab.errors import DataError, quote

Curve = Sequence[tuple[float, float]]
"""Step and value, in the order in which they were logged."""

_SEED = re.compile(r"(?:^|(?<=[^A-Za-z]))seed[-_=]?(\d+)(?=[^\d]|$)", re.IGNORECASE)
_PAIR = re.compile(r"([A-Za-z][A-Za-z_.]*)=([^=,/]+)")
_NO_NAME = re.compile(r"^(?:version_\d+|checkpoint-\d+|lightning_logs|\.|logs?|runs?)$")


@dataclass(frozen=True)
class ForeignRun:
    """Fields that describe it and the curves it logged."""

    where: str
    """A file, a folder, rows or an id, for messages."""
    fields: Mapping[str, Any]
    curves: Mapping[str, Curve] = field(default_factory=dict)
    failed: str = ""
    """Why it did not finish, where its record says so."""


def path_fields(place: Path, home: Path) -> dict[str, Any]:
    """What a run's place tells: its seed, pairs such as ``p=0.5``, and the rest, as ``path``.

    >>> path_fields(Path("out/dropout-0.5/seed-3/checkpoint-90"), Path("out"))
    {'path': 'dropout-0.5', 'seed': 3}
    >>> path_fields(Path("logs/p=0.5_seed1"), Path("logs"))
    {'path': 'p=0.5', 'seed': 1, 'p': '0.5'}
    """
    parts = [part for part in place.relative_to(home).parts if not _NO_NAME.match(part)]
    text = "/".join(parts)
    found: dict[str, Any] = {}
    seed = _SEED.search(text)
    if seed is not None:
        text = _tidy(text[: seed.start()] + "\0" + text[seed.end() :])
        found["seed"] = int(seed[1])
    return {"path": text, **found, **dict(_PAIR.findall(text))}


def _tidy(text: str) -> str:
    """Without the seed and what joined it to the rest."""
    before, _, after = text.partition("\0")
    before, joined = before.rstrip("-_,. "), after.lstrip("-_,. ")
    if not before or before.endswith("/") or not joined or joined.startswith("/"):
        return re.sub(r"/+", "/", (before + joined)).strip("/")
    return f"{before}{after[0] if after[0] in '-_,. ' else '-'}{joined}"


def flat(values: Mapping[str, Any], path: str = "") -> Iterable[tuple[str, Any]]:
    """Nested tables as dotted names.

    >>> dict(flat({"optimizer": {"lr": 0.1}, "seed": 0}))
    {'optimizer.lr': 0.1, 'seed': 0}
    """
    for key, value in values.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            yield from flat(value, name)
        else:
            yield name, value


def in_order(points: Iterable[tuple[float, float]]) -> Curve:
    """By step; where a step was logged twice, as after a restart, the later value.

    >>> in_order([(1, 0.5), (2, 0.4), (2, 0.3)])
    [(1, 0.5), (2, 0.3)]
    """
    return sorted(dict(points).items())


def number(value: object, where: str) -> float:
    """A value as a number; blank is NaN.

    Raises:
        DataError: it is none.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(f"{where} is {quote(value)}; a number is wanted, with a point before its decimals") from None
