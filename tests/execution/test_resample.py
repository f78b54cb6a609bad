"""Experiments whose seeds draw their own training and validation samples."""

from __future__ import annotations

import json

import pytest
import torch

import droplab
from droplab.errors import DesignError, SpecError
from droplab.execution import final_evaluation
from droplab.execution.changed_images import changed_images
from droplab.execution.loading import split_of
from droplab.ledger import open_experiment
from droplab.resampling import NOTICE
from droplab.spec.experiment import ExperimentSpec
from tests.conftest import tiny
from tests.training.loops import Net

pytestmark = pytest.mark.usefixtures("one_thread")


def house(tmp_path, **changes):
    return droplab.compare(tiny(**{"seeds": [0, 6], "resample": "5-fold", **changes}), out=tmp_path / "house")


def test_the_house_trains_each_seed_on_its_own_split(tmp_path):
    results = house(tmp_path)
    assert {run.state for run in results.record.runs.values()} == {"done"}
    assert [dict(one.detail) for one in results.record.notices if one.code == NOTICE] == [
        {"validation": 800, "training": 3200}
    ]
    spec = ExperimentSpec.model_validate(results.record.spec)
    splits = [split_of(spec, seed) for seed in (0, 6)]
    assert not torch.equal(splits[0].validation.images, splits[1].validation.images)
    with open_experiment(results.folder) as ledger:
        for key in results.record.runs:
            said = ledger.predictions(key)
            assert len(said.classes) == 800
        assert changed_images(ledger, results.record).why_not == "resampled"
    assert 0 <= final_evaluation(results.runs[-1]).accuracy <= 1
    # more seeds go on in the folder; another scheme is another experiment
    more = house(tmp_path, seeds=[6, 7])
    assert more.record.seeds == (0, 6, 7)
    assert [more.record.runs[key].metrics["val_loss"] for key in results.record.runs] == [
        run.metrics["val_loss"] for run in results.record.runs.values()
    ]
    with pytest.raises(DesignError, match="resample: '5-fold' there, True here"):
        house(tmp_path, resample=True)


def test_what_says_nothing_of_splits_is_what_it_was():
    plain, off = ExperimentSpec(), ExperimentSpec(resample=False)
    assert "resample" not in plain.canonical()
    assert plain.identity() == off.identity() != ExperimentSpec(resample=True).identity()
    with pytest.raises(SpecError, match="folds have a size of their own"):
        droplab.compare(tiny(resample="5-fold", data={"validation_size": 200}))


def loop(kept):
    def train(run):
        train, validation = run.split(100, 0.2, groups=[place // 4 for place in range(100)])
        run.prepare(Net)
        kept[run.arm.name, run.seed] = validation.tolist()
        assert sorted([*train, *validation]) == list(range(100))
        for _ in run.epochs(1):
            run.report(val_loss=0.5 + run.seed + run.arm.p)

    return train


@pytest.mark.parametrize(("resample", "size"), [(False, 20), (True, 20), ("5-fold", 20), ("4-fold", 28)])
def test_a_loop_asks_for_its_split(tmp_path, resample, size):
    kept = {}
    results = droplab.compare(loop(kept), arms=[0, 0.5], seeds=2, resample=resample, out=tmp_path / "loop")
    assert {run.state for run in results.record.runs.values()} == {"done"}
    arms = results.record.arms
    assert all(kept[arms[0], seed] == kept[arms[1], seed] for seed in (0, 1))
    assert (kept[arms[0], 0] == kept[arms[0], 1]) is (resample is False)
    assert len(kept[arms[0], 0]) == size
    drawn = [one.detail for one in results.record.notices if one.code == NOTICE]
    assert bool(drawn) is bool(resample)
    assert results.record.spec.get("resample", False) == resample
    json.dumps(results.record.spec)


def test_a_loop_that_never_asks_fails_and_says_what_to_call(tmp_path):
    def train(run):
        run.prepare(Net)
        for _ in run.epochs(1):
            run.report(val_loss=0.5)

    results = droplab.compare(train, arms=[0, 0.5], seeds=1, resample=True, out=tmp_path / "loop")
    assert all("run.split(len(dataset))" in run.reason for run in results.record.runs.values())
