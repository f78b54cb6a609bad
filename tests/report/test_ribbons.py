"""Quantiles of pooled histograms, against the values that they were made of."""

from __future__ import annotations

import base64
import struct

import numpy as np
import pytest

from droplab.ledger import Ledger
from droplab.records import Histogram
from droplab.report.ribbons import LEVELS, pooled, ribbons


def histogram(values: np.ndarray) -> Histogram:
    counts, edges = np.histogram(values, 64)
    return Histogram("parameter", "w", float(edges[0]), float(edges[-1]), tuple(counts.tolist()))


def test_pooled_quantiles_are_those_of_all_values():
    rng = np.random.default_rng(0)
    parts = [rng.normal(0, 1, 20_000), rng.normal(3, 0.5, 20_000)]
    found = pooled([histogram(part) for part in parts])
    assert found == pytest.approx(np.quantile(np.concatenate(parts), LEVELS), abs=0.05)
    assert pooled([histogram(parts[0])]) == pytest.approx(np.quantile(parts[0], LEVELS), abs=0.05)


def test_constants_and_nothing():
    one = Histogram("parameter", "b", 2.0, 2.0, (5, 0))
    assert pooled([one]) == pytest.approx([2.0] * 5)
    mixed = pooled([one, Histogram("parameter", "b", 0.0, 1.0, (1, 1))])
    assert mixed[0] == pytest.approx(0.1)
    assert mixed[-1] == 2.0
    assert np.isnan(pooled([Histogram("gradient", "b", float("nan"), float("nan"), (0, 0))])).all()


def test_tensors_in_which_arms_differ_most_come_first(finished):
    with Ledger.open(finished.folder / "ledger.sqlite") as ledger:
        found = {key: ledger.histograms(key) for key in finished.record.runs}
    made = ribbons(finished.record, found)
    order = list(dict.fromkeys((one["kind"], one["layer"]) for one in made))
    assert len(made) == 2 * len(order)

    def width(tensor, arm):
        one = next(one for one in made if (one["kind"], one["layer"]) == tensor and one["arm"] == arm)
        raw = base64.b64decode(one["quantiles"])
        numbers = struct.unpack(f"<{len(raw) // 4}f", raw)
        assert len(numbers) == 5 * len(one["epochs"])
        rows = np.reshape(numbers, (-1, 5))
        assert (np.diff(rows) >= 0).all()
        return numbers[-1] - numbers[-5]

    apart = [
        abs(np.log(width(tensor, finished.record.arms[1]) / width(tensor, finished.record.arms[0]))) for tensor in order
    ]
    assert apart == sorted(apart, reverse=True)
