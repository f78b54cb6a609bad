"""Models of a run: what is drawn, copied, paired, and in which mode."""

import pytest
import torch
from torch import nn

import droplab
from droplab.records import RunKey
from tests.training.asking import one, reason, short
from tests.training.loops import MEASURES, Net, X, gan, regression

pytestmark = pytest.mark.usefixtures("one_thread")


def test_two_models_of_a_gan(tmp_path):
    arms = [0, 0.5, {"critic.*": 0.3}, {"name": "doorway", "p": {"generator.first:in": 0.2, "critic.drop": 0.1}}]
    record = droplab.compare(gan, arms=arms, seeds=2, out=tmp_path / "gan").record
    assert {run.state for run in record.runs.values()} == {"done"}, [run.reason for run in record.runs.values()]
    rates = {
        arm: {name: values[-1] for name, values in record.runs[RunKey(arm, 0)].metrics.items() if name.startswith("p/")}
        for arm in record.arms
    }
    assert rates == {
        "no dropout": {"p/generator.drop": 0.0, "p/critic.drop": 0.0},
        "dropout 0.5": {"p/generator.drop": 0.5, "p/critic.drop": 0.5},
        "critic.* 0.3": {"p/generator.drop": 0.0, "p/critic.drop": 0.3},
        "doorway": {"p/generator.drop": 0.0, "p/critic.drop": 0.1, "p/generator.first:in": 0.2},
    }
    assert not record.notices


def test_weights_are_of_the_seed_and_not_of_the_arm(tmp_path):
    seen = {}

    def train(run):
        model = run.prepare(Net)
        seen[run.arm.name, run.seed] = model.last.weight.detach().clone()
        short(run, model)

    droplab.compare(
        train, arms=[0, {"p": {"first": 0.3}, "kind": "standout"}, {"first:out": 0.2}], seeds=2, out=tmp_path / "w"
    )
    by_seed = [[value for (_, seed), value in seen.items() if seed == wanted] for wanted in (0, 1)]
    for values in by_seed:
        assert all(torch.equal(value, values[0]) for value in values)
    assert not torch.equal(by_seed[0][0], by_seed[1][0])


def test_a_ready_model_is_copied_and_said(tmp_path):
    ready = Net()
    before = ready.last.weight.detach().clone()

    def train(run):
        model = run.prepare(ready)
        assert model is not ready
        assert torch.equal(model.last.weight, before)
        with torch.no_grad():
            model.last.weight.zero_()
        short(run, model)

    record = droplab.compare(train, arms=[0, 0.5], seeds=2, out=tmp_path / "r").record
    assert {run.state for run in record.runs.values()} == {"done"}, [run.reason for run in record.runs.values()]
    assert torch.equal(ready.last.weight, before)
    assert "weights_same" in {notice.code for notice in record.notices}


def test_what_is_not_paired_is_said(tmp_path):
    def train(run):
        offset = 100 if run.arm.p else 0
        model = run.prepare(lambda: Net() if run.arm.p else nn.Sequential(nn.Linear(4, 1), nn.Dropout(0.0)))
        loader = run.loader([X[number] + offset for number in range(32)], batch_size=8)
        for _ in run.epochs(1):
            for x in loader:
                with run.step():
                    model(x).sum().backward()
            run.report(val_loss=0.5)

    record = droplab.compare(train, arms=[0, 0.5], seeds=1, out=tmp_path / "u").record
    assert {notice.code for notice in record.notices} == {"weights_differ", "batches_differ"}


def test_adaptive_schedules_hear_of_a_guests_measures_or_say_what_is_missing(tmp_path):
    arm = {"name": "held", "p": 0.1, "schedule": {"name": "adaptive-gap", "target": 0.01}}
    assert "missing: ['gap']. The loop's figures are val_loss, p/drop; gap is among" in reason(
        short, tmp_path, arms=[arm]
    )
    assert len(one(regression, tmp_path / "2", arms=[arm], measures=MEASURES).runs) == 1


def test_modes_are_as_they_were_when_an_epoch_begins(tmp_path):
    def train(run):
        model = run.prepare(Net)
        teacher = run.prepare(Net, "teacher").eval()
        for _ in run.epochs(2):
            assert model.drop.training
            assert not teacher.drop.training
            with run.step():
                model(X).sum().backward()
            model.eval()
            run.report(val_loss=0.5)

    assert [run.state for run in one(train, tmp_path).runs.values()] == ["done"]
