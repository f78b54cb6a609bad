"""Rivals on loops of the user's own: an arm's recipe is what ``run.settings`` has."""

from __future__ import annotations

import pickle

import pytest
import torch

import droplab
from droplab.adapters.plain import PlainRun
from droplab.errors import SpecError
from droplab.spec import ArmSpec, LoopSpec
from droplab.training.settings import Settings
from tests.training.asking import compared, one, reason
from tests.training.loops import TRAIN, Net, figures

pytestmark = pytest.mark.usefixtures("one_thread")


def decaying(run):
    model = run.prepare(Net)
    decay = run.settings.get("weight_decay", 0.0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=run.settings.get("lr", 3e-3), weight_decay=decay)
    loader = run.loader(TRAIN, batch_size=16)
    for _ in run.epochs(2, optimizer=optimizer):
        for x, y in loader:
            with run.step():
                optimizer.zero_grad()
                (model(x) - y).square().mean().backward()
                optimizer.step()
        found = figures(model)
        model.train()
        run.report(fit_loss=found["fit_loss"], val_loss=found["val_loss"])


DECAY = {"name": "decay", "weight_decay": 5.0}
RIVALS = [0, DECAY, {"name": "both", "p": 0.5, "recipe": {"weight_decay": 5.0, "lr": 0.1}}]


def test_an_arms_settings_reach_the_loop_and_the_verdict(tmp_path):
    results = droplab.compare(decaying, arms=RIVALS, seeds=2, out=tmp_path / "rivals")
    assert {run.state for run in results.record.runs.values()} == {"done"}
    losses = {key: run.metrics["val_loss"][-1] for key, run in results.record.runs.items()}
    assert len(set(losses.values())) == 6
    text = " ".join(results.text().split())
    assert '"decay" gives the loop other settings: weight_decay 5.' in text
    assert '"both" gives the loop other settings: weight_decay 5, lr 0.1.' in text
    assert "「decay」は学習ループに別の設定を渡しています：weight_decay は 5。" in results.text("ja")


def test_it_trains_as_a_loop_with_that_setting_written_into_it(tmp_path):
    def written(run):
        run.settings = Settings(ArmSpec(name="any", recipe={"weight_decay": 5.0}))
        decaying(run)

    by_arm = one(decaying, tmp_path / "arm", arms=[{"name": "x", "weight_decay": 5.0}])
    assert compared(by_arm) == compared(one(written, tmp_path / "loop", arms=[{"name": "x"}]))


def test_a_setting_that_the_loop_does_not_read_is_no_arm(tmp_path):
    said = reason(decaying, tmp_path, arms=[{"name": "typo", "recipe": {"weight_deacy": 1, "dropped": 2}}])
    assert "the arm 'typo' gives dropped, weight_deacy, which the loop had not read" in said
    assert "run.settings.get('dropped', default)" in said


def test_single_samples_are_figures_too(tmp_path):
    def train(run):
        run.prepare(Net)
        for _ in run.epochs(1):
            run.report_samples(ids=torch.arange(4), loss=torch.ones(4))

    assert "gives lr, which the loop had not read" in reason(train, tmp_path, arms=[{"name": "a", "lr": 1}])


def test_a_setting_that_the_arm_does_not_give(tmp_path):
    def train(run):
        run.prepare(Net)
        run.settings["lr"]

    assert "the arm 'no dropout' gives no lr; say what it is then: run.settings.get('lr'" in reason(
        train, tmp_path, arms=[0]
    )


def test_settings_are_part_of_what_an_arm_is(tmp_path):
    one(decaying, tmp_path, arms=[0, {"name": "decay", "weight_decay": 5.0}])
    with pytest.raises(droplab.UserError, match=r"the arm 'decay' is .* there and .* now"):
        one(decaying, tmp_path, arms=[0, {"name": "decay", "weight_decay": 4.0}])
    more = one(decaying, tmp_path, arms=[0, {"name": "decay", "recipe": {"weight_decay": 5.0}}, {"lr": 0.1}])
    assert more.arms == ("no dropout", "decay", "no dropout, lr 0.1")


def test_arms_without_settings_are_kept_as_before_there_were_any():
    spec = LoopSpec(loop="my.training:train", arms=[0, {"p": 0.5, "lr": 0.1}])
    first, second = spec.canonical()["arms"]
    assert "recipe" not in first
    assert second["recipe"] == {"lr": 0.1}
    assert spec.identity() == LoopSpec(loop="my.training:train", arms=[0, 0.5]).identity()


def test_what_a_ledger_cannot_keep_is_no_setting():
    with pytest.raises(SpecError, match=r"arms\[0\].recipe: layers: got .1., a set; options are what JSON has"):
        droplab.compare(decaying, arms=[{"recipe": {"layers": {1}}}], seeds=1)


def test_outside_of_droplab_there_are_none_and_they_travel():
    assert dict(PlainRun().settings) == {}
    settings = pickle.loads(pickle.dumps(Settings(ArmSpec(name="a", recipe={"widths": [1, 2]}))))
    assert {**settings} == {"widths": [1, 2]}
    settings.check()
