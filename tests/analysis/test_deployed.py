"""As deployed: the epoch is chosen on other samples than those that measure; what choosing on the same ones costs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from droplab.analysis.deployed import as_deployed, endpoint, kind_of
from droplab.records import Measure, RunKey, RunRecord

LOSS, F1 = Measure("loss", "lower"), Measure("f1", "higher")


def test_each_fold_is_measured_where_the_others_are_best():
    means = [[1.0, 4.0, 3.0], [2.0, 1.0, 3.0], [3.0, 3.0, 1.0]]  # epochs × folds
    folds = [[(10 * mean, 10) for mean in row] for row in means]
    # without fold 1 epochs 2 and 3 tie at 2, the first is taken: 2; without fold 2 the others choose 1 and 3 alike: 4
    assert as_deployed(folds, LOSS).value == pytest.approx((2.0 + 4.0 + 3.0) / 3)
    assert as_deployed(folds, LOSS).epoch == 1


def test_samples_count_alike_in_folds_of_any_size():
    found = as_deployed([[(3.0, 1), (10.0, 9)]], LOSS)
    assert found == (1.3, 0)


def test_where_higher_is_better_and_epochs_did_not_measure():
    nan = math.nan
    folds = [[(1.0, 2), (1.0, 2)], [], [(nan, nan), (nan, nan)], [(2.0, 2), (1.5, 2)], [(2.0, 2), (1.5, 2)]]
    assert as_deployed(folds, F1) == (3.5 / 4, 3)
    assert math.isnan(as_deployed([[], []], F1).value)


@pytest.mark.parametrize("folds", [[[(1.0, 1)]], [[(1.0, 1), (1.0, 1)], [(1.0, 1)]]])
def test_folds_that_cannot_be(folds):
    with pytest.raises(ValueError, match="folds"):
        as_deployed(folds, LOSS)


def test_what_was_not_measured_on_folds_is_never_called_deployed():
    key = RunKey("a", 0)
    bare = RunRecord(key, "done", 2, "", {"val_loss": (1.0, 2.0)})
    whole = replace(bare, folds={"val_loss": (((1.0, 1), (1.0, 1)), ((2.0, 1), (2.0, 1)))})
    assert kind_of([whole, whole], "val_loss") == "deployed"
    assert kind_of([whole, bare], "val_loss") == "best"
    assert kind_of([replace(bare, metrics={"val_loss": (1.0,)})], "val_loss") == "reported"
    assert endpoint(bare, "val_loss", LOSS, "best") == (1.0, 0)


@pytest.mark.parametrize("folds", [2, 5])
def test_it_means_what_a_deployment_gives_on_new_data(folds):
    """Against the truth: the mean curve at the epoch that K - 1 folds choose. The same samples are too good for it."""
    rng = np.random.default_rng(folds)
    epochs, samples, runs = 20, 200, 1500
    truth = 0.5 + 0.02 * np.abs(np.arange(epochs) - 9)
    ours, same, gained = [], [], []
    for _ in range(runs):
        noise = rng.standard_normal((epochs, folds)) / math.sqrt(samples / folds)
        table = truth[:, None] + noise
        found = as_deployed([[(float(v) * samples / folds, samples / folds) for v in row] for row in table], LOSS)
        others = (table.sum(1, keepdims=True) - table) / (folds - 1)
        ours.append(found.value)
        gained.append(truth[others.argmin(0)].mean())
        same.append(table.mean(1).min())
    error = np.std(np.array(ours) - gained) / math.sqrt(runs)
    assert np.mean(ours) == pytest.approx(np.mean(gained), abs=3 * error)
    assert np.mean(same) < np.mean(gained) - 10 * error


def test_a_figure_that_is_no_mean_is_chosen_on_the_other_folds_values():
    """Of a mean both ways give the same."""
    draw = np.random.default_rng(0)
    counts = draw.integers(1, 9, 5).astype(float)
    sums = draw.normal(size=(7, 5)) * counts
    folds = [[(total, count) for total, count in zip(row, counts, strict=True)] for row in sums]
    others = [
        [(row.sum() - total, counts.sum() - count) for total, count in zip(row, counts, strict=True)]
        + [(row.sum(), counts.sum())]
        for row in sums
    ]
    for better in ("lower", "higher"):
        measure = Measure("f1", better)
        assert as_deployed(folds, measure, others) == pytest.approx(as_deployed(folds, measure))
    worse = [[(1.0, 1.0), (2.0, 1.0)], [(5.0, 1.0), (6.0, 1.0)]]
    of_others = [[(0.9, 1.0), (0.1, 1.0), (0.3, 1.0)], [(0.2, 1.0), (0.4, 1.0), (0.5, 1.0)]]
    assert as_deployed(worse, Measure("f1", "higher"), of_others) == (3.5, 1)
    assert as_deployed([worse[0], []], Measure("f1", "higher"), [of_others[0], []]) == (1.5, 0)
