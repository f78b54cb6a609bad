"""A loop whose loss is lost: the failure names the step and the layer where it began."""

import pytest
import torch
from torch import nn

from tests.training.asking import reason
from tests.training.loops import TRAIN, Net, X, Y, figures

pytestmark = pytest.mark.usefixtures("one_thread")


class Odd(Net):
    """The output of its first layer is infinite from some step on."""

    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.steps += 1
        scale = torch.inf if self.steps > 6 else 1.0
        return self.last(self.drop((self.first(x * scale)).relu()))


def train(run, make=Net, before=lambda step, model, x: x, after=lambda step, model: None, name="model"):
    """4 steps an epoch."""
    model = run.prepare(make, name)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = run.loader(TRAIN, batch_size=16)
    for _ in run.epochs(4, optimizer=optimizer):
        for x, y in loader:
            with run.step() as step:
                optimizer.zero_grad()
                nn.functional.mse_loss(model(before(step, model, x)), y).backward()
                optimizer.step()
                after(step, model)
        run.report(val_loss=figures(model)["val_loss"])


def said(tmp_path, **options):
    return reason(lambda run: train(run, **options), tmp_path, arms=[0.1])


def test_the_layer_and_the_step_are_named(tmp_path):
    found = said(tmp_path, make=Odd)
    assert "val_loss is no longer finite (epoch 2). NaN or infinity began in the output of first, at step 7" in found
    assert "(epoch 2). Try a lower learning rate" in found
    assert "the output of critic.first, at step 7" in said(tmp_path / "2", make=Odd, name="critic")


def test_the_gradient_or_the_update(tmp_path):
    def lose_gradient(step, model, x):
        if step == 5:
            model.last.weight.register_hook(lambda gradient: gradient * torch.nan)
        return x

    assert "the loss or the gradient of last.weight" in said(tmp_path, before=lose_gradient)

    def lose_weight(step, model):
        if step == 9:
            with torch.no_grad():
                model.first.bias[0] = torch.nan

    assert "the optimiser's update of first.bias, at step 10 (epoch 3)" in said(tmp_path / "2", after=lose_weight)


def test_only_the_evaluation(tmp_path):
    def loop(run):
        model = run.prepare(Net)
        for _ in run.epochs(2):
            with run.step():
                model(X)
            model(X / 0)
            run.report(val_loss=Y.sum() * torch.nan)

    found = reason(loop, tmp_path)
    assert "All weights stayed finite; in evaluation the output of first was not" in found


def test_a_replay_that_goes_wrong_hides_nothing(tmp_path):
    calls = []

    def loop(run):
        calls.append(run)
        run.prepare(Net)
        for _ in run.epochs(2):
            if len(calls) == 2:
                raise OSError
            run.report(val_loss=torch.nan)

    assert reason(loop, tmp_path) == "val_loss is no longer finite (epoch 1)"
    assert len(calls) == 2


def test_without_epochs_nothing_is_trained_again(tmp_path):
    calls = []

    def loop(run):
        calls.append(run)
        run.prepare(Net)
        run.report(val_loss=torch.nan)

    assert reason(loop, tmp_path) == "val_loss is no longer finite (epoch 1)"
    assert len(calls) == 1


def test_an_epoch_that_is_not_the_same_twice(tmp_path):
    calls = []

    def loop(run):
        calls.append(run)
        model = run.prepare(Net)
        for _ in run.epochs(1):
            with run.step():
                model(X[:8]).sum().backward()
            run.report(val_loss=torch.nan if len(calls) == 1 else 0.5)

    assert "(epoch 1); trained again, the epoch stayed finite: it is not the same twice" in reason(loop, tmp_path)
