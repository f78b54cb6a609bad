"""What runs measured, epoch by epoch, put together from the ledger's rows as they come."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from droplab.ledger.packing import PackedFolds, Pairs, joined, unpacked_pairs
from droplab.ledger.seals import Sealed


class Curves(NamedTuple):
    """Of one run."""

    epochs: int
    """That are in the ledger."""
    metrics: Mapping[str, tuple[float, ...]]
    folds: Mapping[str, Sequence[Pairs]]


NONE = Curves(0, {}, {})


def by_run(parts: Iterable[Sealed]) -> Iterator[tuple[int, list[Sealed]]]:
    """The parts of each run; those that are missing may come apart from the others."""
    for run, group in groupby(parts, key=attrgetter("run")):
        yield run, list(group)


def metrics_of(parts: Iterable[Sealed]) -> tuple[int, dict[str, tuple[float, ...]]]:
    """Epochs and series of one run; NaN where an epoch has no value."""
    found: dict[str, dict[int, Any]] = defaultdict(dict)
    for part in parts:
        for _, epoch, name, value in part.rows:
            found[name][epoch] = value
    done = 1 + max((epoch for series in found.values() for epoch in series), default=-1)
    return done, {name: _whole(series, done) for name, series in sorted(found.items())}


def _whole(series: dict[int, Any], done: int) -> tuple[float, ...]:
    if len(series) == done:  # epochs come in order
        return tuple(map(number, series.values()))
    return tuple(number(series.get(epoch)) for epoch in range(done))


def number(value: Any) -> float:
    """As SQLite has it: nothing is NaN."""
    return math.nan if value is None else float(value)


def folds_of(parts: Iterable[Sealed], done: int) -> dict[str, Sequence[Pairs]]:
    """Sums and counts of one run on folds; an epoch that has none is empty."""
    found: dict[str, dict[int, bytes]] = defaultdict(dict)
    for part in parts:
        for _, epoch, name, raw in part.rows:
            found[name][epoch] = raw
    return {name: _packed(series, done) for name, series in sorted(found.items())}


def _packed(series: dict[int, bytes], done: int) -> Sequence[Pairs]:
    if len(series) == done and len(set(map(len, series.values()))) == 1:
        return PackedFolds(b"".join(series.values()), done)
    return tuple(unpacked_pairs(series[epoch]) if epoch in series else () for epoch in range(done))


def extended(before: Curves, metrics: Iterable[Sealed], folds: Iterable[Sealed]) -> Curves:
    """Curves with the epochs that came after them."""
    done, more = metrics_of(_moved(metrics, before.epochs))
    if not done:
        return before
    names = sorted({*before.metrics, *more})
    gone, none = (math.nan,) * before.epochs, (math.nan,) * done
    folded = folds_of(_moved(folds, before.epochs), done)
    return Curves(
        before.epochs + done,
        {name: before.metrics.get(name, gone) + more.get(name, none) for name in names},
        {
            name: joined(before.folds.get(name, ((),) * before.epochs), folded.get(name, ((),) * done))
            for name in sorted({*before.folds, *folded})
        },
    )


def _moved(parts: Iterable[Sealed], by: int) -> Iterator[Sealed]:
    """With epochs counted from another one."""
    for part in parts:
        rows = [(run, epoch - by, *rest) for run, epoch, *rest in part.rows]
        yield part._replace(epoch=part.epoch - by, rows=rows)
