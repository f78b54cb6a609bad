"""A layer draws one mask in a step, and no graph, break or recomputation makes it draw it for a second call."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import droplab
from droplab.errors import KeyingError

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's compiler uses what Python deprecates
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
    pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning"),
]
X = torch.ones(3, 40)


@pytest.fixture(autouse=True)
def _fresh():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()


def graphs() -> int:
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


class Net(nn.Module):
    """One layer, called ``calls`` times, with what the test asks for around it."""

    def __init__(self, *, between="", recomputed=False) -> None:
        super().__init__()
        self.drop, self.between, self.recomputed, self.calls = droplab.nn.Dropout(0.5), between, recomputed, 1

    def forward(self, x):
        total = x * 0
        for number in range(self.calls):
            if number and self.between:
                torch._dynamo.graph_break()
            y = x + number
            total = total + (checkpoint(self.drop, y, use_reentrant=False) if self.recomputed else self.drop(y))
        return total


def step(model, called, number, x=X):
    with droplab.keyed(model, seed=1, step=number):
        return called(x)


@pytest.mark.parametrize("recomputed", [False, True], ids=["", "checkpoint"])
@pytest.mark.parametrize(("between", "whole"), [(False, True), (False, False), (True, False)])
def test_a_second_call_raises_whatever_was_compiled_before(between, whole, recomputed):
    model = Net(between=between, recomputed=recomputed)
    compiled = torch.compile(model, fullgraph=whole, backend="aot_eager" if whole or recomputed else "eager")
    x = X.clone().requires_grad_()
    for number in range(3):
        with droplab.keyed(model, seed=1, step=number):
            y = compiled(x)
            (gradient,) = torch.autograd.grad(y.sum(), x)
        assert torch.equal(y, step(model, model, number))
        assert torch.equal(gradient, y)
    assert graphs() == 1
    model.calls = 2
    for number in range(2):
        with pytest.raises(Exception if whole else KeyingError, match="called twice"):
            step(model, compiled, number, x)
    model.calls = 1
    assert torch.equal(step(model, compiled, 9), step(model, model, 9))


@pytest.mark.parametrize("first", ["eager", "compiled"])
def test_eager_and_compiled_calls_are_counted_together(first):
    model = Net()
    compiled = torch.compile(model, backend="eager")
    step(model, compiled, 0)
    order = (model, compiled) if first == "eager" else (compiled, model)
    for number in range(2):
        with droplab.keyed(model, seed=1, step=number):
            order[0](X)
            with pytest.raises(KeyingError, match="called twice"):
                order[1](X)


def test_a_compiled_block_that_is_called_twice_raises():
    """A graph for itself, called from eager mode."""
    model = Net()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    for number in range(2):
        with droplab.keyed(model, seed=1, step=number), pytest.raises(KeyingError, match="called twice"):
            compiled(compiled(X))


@pytest.mark.parametrize("whole", [True, False])
def test_a_compiled_block_is_recomputed_with_its_masks(whole):
    model = Net()
    compiled = torch.compile(model, fullgraph=whole, backend="aot_eager")
    x = X.clone().requires_grad_()
    for number in range(3):
        with droplab.keyed(model, seed=1, step=number):
            y = checkpoint(lambda x: compiled(x).square(), x, use_reentrant=False)
            (gradient,) = torch.autograd.grad(y.sum(), x)
        kept = step(model, model, number) / X
        assert torch.equal(gradient, 2 * kept.square())
    with droplab.keyed(model, seed=1):
        compiled(x)
        with pytest.raises(KeyingError, match="called twice"):
            compiled(x)  # the graph of the recomputation fits, and tells


def test_a_compiled_block_that_is_recomputed_outside_raises():
    model = Net()
    compiled = torch.compile(model, backend="aot_eager")
    x = X.clone().requires_grad_()
    with droplab.keyed(model, seed=1):
        loss = checkpoint(lambda x: compiled(x).square(), x, use_reentrant=False).sum()
    with pytest.raises(KeyingError, match=r"outside.*backward\(\) inside"):
        loss.backward()
    compiled(x)  # a next forward pass is none


def test_replicas_of_data_parallel_are_refused():
    layer = droplab.nn.Dropout(0.5)
    with droplab.keyed(layer, seed=1):
        replica = layer._replicate_for_data_parallel()
        with pytest.raises(KeyingError, match=r"replica of torch\.nn\.DataParallel"):
            replica(X)
