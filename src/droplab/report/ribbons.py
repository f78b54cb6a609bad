"""Parameters and gradients over epochs as five quantiles of each arm, its seeds together."""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from droplab.analysis import thin
from droplab.records import ExperimentRecord, Histogram, RunKey

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
EPOCHS = 40
"""At most that many epochs are drawn; the first and the last always are."""

Histograms = Mapping[int, Sequence[Histogram]]
Floats = npt.NDArray[np.float64]


class Ribbon(NamedTuple):
    """One tensor of one arm."""

    kind: str
    layer: str
    arm: str
    epochs: tuple[int, ...]
    """Counted from 1."""
    quantiles: Floats
    """``(epochs, levels)``."""


def ribbons(record: ExperimentRecord, found: Mapping[RunKey, Histograms]) -> list[dict[str, Any]]:
    """Every tensor of every arm; tensors in which the arms differ most at the end come first.

    Args:
        record: the experiment, for the order of its arms.
        found: the histograms of its runs, by epoch.
    """
    made: dict[tuple[str, str], list[Ribbon]] = {}
    for arm in record.arms:
        runs = [by_epoch for key, by_epoch in found.items() if key.arm == arm and by_epoch]
        for one in _of_arm(arm, runs):
            made.setdefault((one.kind, one.layer), []).append(one)
    order = sorted(made, key=lambda tensor: -_difference(made[tensor]))
    return [
        {
            "kind": one.kind,
            "layer": one.layer,
            "arm": one.arm,
            "epochs": list(one.epochs),
            "quantiles": base64.b64encode(array("f", one.quantiles.ravel().tolist()).tobytes()).decode(),
        }
        for tensor in order
        for one in made[tensor]
    ]


def _of_arm(arm: str, runs: Sequence[Histograms]) -> Iterable[Ribbon]:
    epochs = thin(sorted({epoch for by_epoch in runs for epoch in by_epoch}), EPOCHS)
    tensors: dict[tuple[str, str], dict[int, list[Histogram]]] = {}
    for epoch in epochs:
        for by_epoch in runs:
            for item in by_epoch.get(epoch, ()):
                tensors.setdefault((item.kind, item.layer), {}).setdefault(epoch, []).append(item)
    for (kind, layer), by in tensors.items():
        rows = np.array([pooled(items) for items in by.values()])
        yield Ribbon(kind, layer, arm, tuple(epoch + 1 for epoch in by), rows)


def pooled(items: Sequence[Histogram], levels: Sequence[float] = LEVELS) -> Floats:
    """Quantiles of several histograms together, each with the same weight; within a bin values lie evenly.

    >>> pooled([Histogram("parameter", "w", 0.0, 1.0, (1, 1)), Histogram("parameter", "w", 1.0, 2.0, (1, 1))], [0.5])
    array([1.])
    """
    known = [item for item in items if math.isfinite(item.low) and math.isfinite(item.high) and any(item.counts)]
    if not known:
        return np.full(len(levels), math.nan)
    edges = [_edges(item) for item in known]
    grid = np.unique(np.concatenate(edges))
    shares = np.zeros(len(grid))
    for item, own in zip(known, edges, strict=True):
        counts = item.counts if len(own) > 2 else (1,)
        below = np.concatenate([[0.0], np.cumsum(counts, dtype=float)])
        shares += np.interp(grid, own, below / below[-1], left=0.0, right=1.0)
    return np.asarray(np.interp(levels, shares / len(known), grid), dtype=np.float64)


def _edges(item: Histogram) -> Floats:
    """Of its bins; where all values are one, of a bin that holds nothing else."""
    if item.high > item.low:
        return np.linspace(item.low, item.high, len(item.counts) + 1)
    return np.array([np.nextafter(item.low, -math.inf), item.low])


def _difference(arms: Sequence[Ribbon]) -> float:
    """How far the widths of the arms are apart at the last epoch, against the first arm's."""
    widths = [float(one.quantiles[-1][-1] - one.quantiles[-1][0]) for one in arms]
    if len(widths) < 2 or not all(width > 0 and math.isfinite(width) for width in widths):
        return -1.0
    return max(abs(math.log(width / widths[0])) for width in widths)
