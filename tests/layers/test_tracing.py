"""torch.fx and torch.jit: droplab's layers are leaves, as torch's are, or say what to do."""

from __future__ import annotations

import pytest
import torch
from torch import fx, nn

import droplab
from droplab.errors import UserError


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.drop, self.fc2 = nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2)
        self.attention = droplab.nn.AttentionDropout(0.5)

    def forward(self, x):
        x = self.drop(self.fc1(x))
        heads = x[:, None, None]
        return self.fc2(self.attention(heads, values=heads)[:, 0, 0])


@pytest.mark.parametrize("mode", [True, False])
def test_a_graph_drops_when_it_trains_whatever_it_was_traced_in(mode):
    model = Net().train(mode)
    droplab.replace(model)
    traced = fx.symbolic_trace(model)
    assert [str(node.target) for node in traced.graph.nodes if node.op == "call_module"] == [
        "fc1", "drop", "attention", "fc2",
    ]  # fmt: skip
    assert traced.drop is model.drop
    x = torch.ones(64, 4)
    for training in (True, False):
        model.train(training)
        traced.train(training)
        with droplab.keyed(model, seed=1):
            wanted = model(x)
        with droplab.keyed(traced, seed=1):
            assert torch.equal(traced(x), wanted)
    traced.train()
    assert not torch.equal(traced(x), traced(x))


class Features(fx.Tracer):
    """As feature extractors do it: a tracer that says what its leaves are, and notes which module made a node."""

    def __init__(self, leaves=()) -> None:
        super().__init__()
        self.leaves, self.path, self.of = leaves, "", {}

    def is_leaf_module(self, m, module_qualified_name):
        return isinstance(m, self.leaves) if self.leaves else super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m, forward, args, kwargs):
        before, self.path = self.path, self.path_of_module(m)
        try:
            return super().call_module(m, forward, args, kwargs)
        finally:
            self.path = before

    def create_proxy(self, *args, **kwargs):
        proxy = super().create_proxy(*args, **kwargs)
        self.of[proxy.node.name] = self.path
        return proxy


@pytest.mark.parametrize("leaves", [(), (nn.Linear,), (nn.Linear, droplab.nn.DropLayer)], ids=["torch", "own", "ours"])
def test_tracers_with_leaves_of_their_own(leaves):
    model = Net().eval()
    droplab.replace(model)
    tracer = Features(leaves)
    graph = tracer.trace(model)
    assert tracer.of["drop"] == "drop"
    module = fx.GraphModule(model, graph).train()
    assert not torch.equal(module(torch.ones(64, 4)), module(torch.ones(64, 4)))


def test_a_doorway_of_a_leaf_stays_with_the_leaf():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    droplab.apply_rates(model, {"0:out": 1.0})
    traced = fx.symbolic_trace(model)
    assert not traced(torch.ones(2, 4)).any()


def test_a_doorway_that_is_traced_through_is_refused():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return x * self.scale

    model = nn.Sequential(Own())
    droplab.apply_rates(model, {"0:out": 0.5})
    with pytest.raises(
        UserError, match=r"torch.fx cannot trace a droplab.nn.Dropout .*doorway.*Name that module a leaf"
    ):
        fx.symbolic_trace(model)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_scripting_says_what_to_do():
    model = Net()
    change = droplab.replace(model)
    del model.attention
    model.forward = None
    plain = nn.Sequential(model.fc1, model.drop)
    with pytest.raises(UserError, match=r"torch.jit.script cannot take droplab.nn.Dropout.*undo\(\)"):
        torch.jit.script(plain)
    assert isinstance(plain[1], droplab.nn.Dropout)
    change.undo()
    torch.jit.script(nn.Sequential(model.fc1, model.drop))
