"""Dropout that was put in or reached goes through DistributedDataParallel: two ranks are one batch, to the bit."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

import droplab
from tests.ranks import two_ranks

pytestmark = pytest.mark.usefixtures("one_thread")
X = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        return x + self.down(F.dropout(F.relu(self.up(x)), 0.3, self.training))


def made():
    torch.manual_seed(0)
    return nn.Sequential(Block(), nn.Dropout(0.2), Block(), nn.Linear(8, 2))


def changed(model):
    droplab.replace(model, X)
    droplab.insert(model, {"@residual": ("drop_path", 0.3), "@before_head": 0.2}, X)
    return model


def step(model, x):
    with droplab.keyed(model, seed=1, step=2):
        output = model(x)
        output.sum().backward()
    return output.detach()


def work(rank):
    part = X.chunk(2)[rank]
    within, around = DistributedDataParallel(changed(made())), changed(DistributedDataParallel(made()))
    gave = [step(within, part), step(around, part)]
    grads = [[parameter.grad for parameter in model.parameters()] for model in (within, around)]
    return gave, grads, list(around.state_dict())


def test_two_ranks_are_one_process(tmp_path):
    model = changed(made())
    whole = step(model, X)
    found = two_ranks(work, tmp_path)
    for place in (0, 1):
        assert torch.equal(torch.cat([gave[place] for gave, _, _ in found]), whole)
        for _, grads, keys in found:
            assert keys == [f"module.{name}" for name in made().state_dict()]
            for mine, one in zip(grads[place], model.parameters(), strict=True):
                torch.testing.assert_close(mine * 2, one.grad)
