"""Planted faults are found, each by its check; models without a fault have none."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest
import torch

from droplab.auditing import audit
from droplab.auditing.checks import CODES
from tests.auditing.faults import CLEAN, FAULTS


def numpys():
    return np.random.get_state()[1].tolist()  # noqa: NPY002  # the one that models use


def inputs(x):
    return x if isinstance(x, tuple) else (x,)


@pytest.mark.parametrize("name", FAULTS)
def test_found(name):
    code, where, make, x = FAULTS[name]
    torch.manual_seed(1)
    found = audit(make(), *inputs(x))
    assert found.complete
    assert (code, where) in {(one.code, one.where) for one in found.faults}
    also = {"DL002"} if name == "FastPathInTrain" else set()  # a part in eval mode is off, too
    assert {one.code for one in found.faults} <= {code} | also


@pytest.mark.parametrize("name", CLEAN)
def test_nothing_found(name):
    make, x = CLEAN[name]
    torch.manual_seed(1)
    found = audit(make(), *inputs(x))
    assert found.complete
    assert found.faults == ()


def test_every_check_has_a_fault():
    elsewhere = {"DL010", "DL013"}  # a note, and one that wants ranks: below and in test_ranks.py
    assert {code for code, *_ in FAULTS.values()} | elsewhere == set(CODES)
    assert len(FAULTS) >= 18
    assert len(CLEAN) >= 20


def test_several_calls_are_told_and_not_blamed():
    drop = torch.nn.Dropout(0.2)
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), drop, torch.nn.Linear(8, 8), drop, torch.nn.Linear(8, 2))
    found = audit(model, torch.ones(4, 8))
    assert [(one.code, one.where, one.values["count"]) for one in found.findings] == [("DL010", "1", "2")]
    assert not found.faults


@pytest.mark.parametrize("mode", [True, False])
def test_nothing_is_changed(mode):
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(), FAULTS[
        "InPlaceAfterSigmoid"][2]()).train(mode)  # fmt: skip
    model[0].eval()
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    states = torch.get_rng_state(), random.getstate(), numpys()
    hooks = len(torch.nn.modules.module._global_forward_hooks)
    x = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
    given = x.clone()
    audit(model, x)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (random.getstate(), numpys()) == states[1:]
    assert all(weight.grad is None for weight in model.parameters())
    assert len(torch.nn.modules.module._global_forward_hooks) == hooks
    assert torch.equal(x, given)
