"""Figures at earlier epochs are those of the same experiment cut off there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from droplab.analysis import judge, stopping, written
from droplab.analysis.deployed import as_deployed, deployed_so_far
from droplab.analysis.looks import Plan
from droplab.records import CLASSIFICATION, ExperimentRecord, RunRecord
from tests.analysis.records import simulate


def folded(record: ExperimentRecord) -> ExperimentRecord:
    """The record with its loss in three folds of unequal sizes, as set "2" wants it."""
    counts, rng = np.array([10, 20, 30]), np.random.default_rng(7)

    def one(run: RunRecord) -> RunRecord:
        curve = np.array(run.metrics["val_loss"])
        sums = (curve[:, None] + rng.normal(0, 0.05, (len(curve), 3))) * counts
        loss = tuple((sums.sum(1) / counts.sum()).tolist())
        folds = tuple(tuple((float(s), int(c)) for s, c in zip(row, counts, strict=True)) for row in sums)
        return replace(run, metrics={**run.metrics, "val_loss": loss}, folds={"val_loss": folds})

    runs = {key: one(run) for key, run in record.runs.items()}
    return replace(record, runs=runs, endpoints=written(Plan((len(record.seeds),))))


def cut(record: ExperimentRecord, epochs: int) -> ExperimentRecord:
    def one(run: RunRecord) -> RunRecord:
        metrics = {name: series[:epochs] for name, series in run.metrics.items()}
        folds = {name: series[:epochs] for name, series in run.folds.items()}
        return replace(run, epochs_done=epochs, metrics=metrics, folds=folds)

    return replace(record, epochs=epochs, runs={key: one(run) for key, run in record.runs.items()})


@pytest.mark.parametrize("second", [False, True])
def test_each_epochs_figures_are_those_of_a_training_that_ended_there(second):
    made = simulate(np.random.default_rng(2), 4, effect=True)
    made = folded(made) if second else made
    found = stopping(made, judge(made))
    assert found.epochs == tuple(range(1, 16))
    for place in (1, 6, 14):
        verdict = judge(cut(made, place + 1), 0.05)
        for effect in verdict.effects:
            one = next(f for f in found.figures if (f.endpoint, f.arm) == (effect.endpoint, effect.arm))
            assert one.seeds == effect.seeds
            assert one.mean[place] == pytest.approx(effect.mean, abs=1e-12)
            if effect.role != "deployed" or len(verdict.primary.answers) == 1:  # then its level is 0.05 too
                assert (one.low[place], one.high[place]) == pytest.approx((effect.low, effect.high), abs=1e-12)
    last = {(f.endpoint, f.arm): f.means[-1] for f in found.figures}
    assert last["overfits", "a"] == "worse"
    assert last["val_loss", "b"] == last["gap", "b"] == "better"
    assert last["fit_accuracy", "b"] == "cost"


def test_before_and_after_differ_by_the_mean():
    made = folded(simulate(np.random.default_rng(3), 3, effect=True))
    for one in stopping(made, judge(made)).figures:
        assert one.after - one.before == pytest.approx(one.mean, abs=1e-12)


def test_as_deployed_so_far_is_as_deployed_of_what_was_trained():
    folds = [
        [(float(s), 2 + place) for place, s in enumerate(row)]
        for row in np.random.default_rng(7).normal(1, 0.3, (30, 4))
    ]
    folds[0] = [(float("nan"), 2)] * 4
    loss = CLASSIFICATION[0]
    found = deployed_so_far(folds, loss).tolist()
    for epochs in range(1, 31):
        assert found[epochs - 1] == pytest.approx(as_deployed(folds[:epochs], loss).value, nan_ok=True)
    assert np.isnan(found[0])


def test_long_trainings_are_looked_at_on_a_grid_and_few_seeds_say_nothing():
    made = simulate(np.random.default_rng(4), 1, effect=True, epochs=50)
    found = stopping(made, judge(made), most=20)
    assert len(found.epochs) == 20
    assert (found.epochs[0], found.epochs[-1]) == (1, 50)
    for one in found.figures:
        assert set(one.means) == {"open"}
        assert np.isnan(one.low).all()
    empty = replace(made, runs={})
    assert stopping(empty, judge(empty)).epochs == ()
