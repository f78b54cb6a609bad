"""The arm that ``droplab kinds NAME`` prints runs as it stands."""

from __future__ import annotations

import sys
import tomllib

import pytest
import torch

from droplab.execution.check import check_arms
from droplab.execution.loading import load_data
from droplab.spec import parse_spec
from droplab.tasks.evaluate import outputs_of
from droplab.tasks.split import TaskSplit
from droplab.training.arming import apply_arm, initial_model
from droplab.variants.arm_shown import arm_shown
from droplab.variants.asked import in_arms
from droplab.variants.told import told


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A folder from which modules are imported anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "words.txt").write_text("the same mask for the same key, and another one for another. " * 20)
    yield tmp_path
    for name in ("my_text", "my_model"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", in_arms())
def test_the_arm_runs_forward_and_backward(name, beside, one_thread):
    arm = told(name).arm
    if arm.file:
        (beside / arm.file).write_text(arm.code, encoding="utf-8")
    spec = parse_spec(tomllib.loads(arm.spec))
    split = load_data(spec.data, None, spec.task)
    check_arms(spec, split.shape, split.classes)
    model = initial_model(spec, split.shape, split.classes, 0)
    apply_arm(model, spec.arms[1])
    inputs = split.train.take(torch.arange(4)).inputs if isinstance(split, TaskSplit) else torch.rand(4, *split.shape)
    model.train()
    once, again = outputs_of(model, inputs), outputs_of(model, inputs)
    assert torch.isfinite(once).all()
    assert not torch.equal(once, again)  # it draws
    once.square().mean().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in model.parameters())


def test_every_kind_that_an_arm_can_name_is_shown_in_one():
    shown = {name: told(name).arm for name in in_arms()}
    assert all(f'kind = "{name}"' in arm.spec for name, arm in shown.items())
    assert told("layer_drop").arm is None
    assert arm_shown("dropout", "tutorial-cnn", "fc1:in").code == ""
