"""Arms of variants that have weights, learn, or add to the loss."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from droplab import nn
from droplab.data import load
from droplab.errors import SiteError
from droplab.models import TutorialCNN
from droplab.spec.arm import ArmSpec
from droplab.spec.experiment import ExperimentSpec
from droplab.surgery import apply_rates, rates
from droplab.training.samples import lay_out
from tests.conftest import tiny
from tests.training.trainer import Trainer


@pytest.fixture(scope="module")
def bench():
    return lay_out(load("fashion-mnist-mini", train_size=60), 50, torch.device("cpu"))


def trainer(bench, arm: ArmSpec, **recipe) -> Trainer:
    return Trainer(tiny(recipe={"epochs": 2, "batch_size": 20, **recipe}), arm, 0, bench, "float32")


def test_one_rate_goes_to_the_weights_that_dropout_layers_feed():
    model = TutorialCNN((1, 28, 28), 10)
    keys = list(model.state_dict())
    before = model.fc1
    change = apply_rates(model, 0.3, "unit_dropout_linear")
    assert change.rates == {"fc1": 0.3, "fc2": 0.3}
    assert rates(model) == {"drop1": 0.0, "drop2": 0.0, "fc1": 0.3, "fc2": 0.3}
    assert type(model.fc1) is nn.UnitDropoutLinear
    assert model.fc1.weight is before.weight
    assert list(model.state_dict()) == keys
    change.undo()
    assert model.fc1 is before


def test_weights_and_activations_in_one_arm():
    model = TutorialCNN((1, 28, 28), 10)
    layer = {"conv2": "concrete_dropout_conv2d", "drop2": {"name": "gaussian_noise", "scale": 2.0}}
    assert apply_rates(model, {"conv2": 0.2, "drop2": 0.4}, layer).rates == {"conv2": 0.2, "drop2": 0.4}
    assert type(model.conv2) is nn.ConcreteDropoutConv2d
    assert repr(model.drop2) == "GaussianNoise(p=0.4, scale=2.0)"


def test_a_kind_for_weights_where_there_are_none_says_which_there_are():
    with pytest.raises(SiteError, match=r"'fc\*' matches nothing|those that can be named: 0"):
        apply_rates(torch.nn.Sequential(torch.nn.Linear(2, 2)), 0.3, "unit_dropout_linear")
    with pytest.raises(SiteError, match=r"names drop1, which the kind 'unit_dropout_linear' is not for"):
        apply_rates(TutorialCNN((1, 28, 28), 10), {"drop1": 0.3}, "unit_dropout_linear")


def test_penalties_move_the_rate_and_are_recorded(bench):
    with_penalty = trainer(bench, ArmSpec(name="a", p=0.3, layer="concrete_dropout_linear"), lr=0.05)
    metrics = with_penalty.epoch(0).metrics
    assert metrics["p/fc1"] != pytest.approx(0.3, abs=1e-4)
    with torch.no_grad():
        expected = float(nn.penalty(with_penalty.model)) / 60
    assert metrics["penalty"] == pytest.approx(expected, rel=1e-6)
    assert "penalty" not in trainer(bench, ArmSpec(name="a", p=0.3)).epoch(0).metrics


def test_penalties_rise_over_their_warm_up(bench):
    run = trainer(bench, ArmSpec(name="a", p=0.1, layer="sparse_variational_linear"), penalty_warm_up=0.5)
    weights = [run._penalty_weight(step) for step in range(6)]  # 3 steps an epoch, 2 epochs
    assert weights == pytest.approx([0, 1 / 3, 2 / 3, 1, 1, 1])
    images, labels = run.data.train.take(torch.arange(20))
    before = run.model.fc1.log_sigma2.detach().clone()
    loss, _ = run.step(images, labels, 0)
    assert math.isfinite(float(loss))
    assert not torch.equal(before, run.model.fc1.log_sigma2)


def test_a_learned_rate_comes_back_with_the_checkpoint(bench):
    arm = ArmSpec(name="a", p=0.3, layer="concrete_dropout_linear")
    first = trainer(bench, arm, lr=0.05)
    first.epoch(0)
    state = copy.deepcopy(first.state())
    second = trainer(bench, arm, lr=0.05)
    second.load_state(state)
    assert rates(second.model) == rates(first.model)
    assert second.epoch(1).metrics["val_loss"] == first.epoch(1).metrics["val_loss"]


def test_specs_of_before_keep_their_identity():
    plain = ExperimentSpec()
    assert "penalty_warm_up" not in plain.canonical()["recipe"]
    changed = ExperimentSpec(recipe={"penalty_warm_up": 0.5})
    assert changed.identity() != plain.identity()
