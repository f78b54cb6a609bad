"""Layers left out: which, at what rate, at what cost; lists that are adopted, stacks that are pruned."""

from __future__ import annotations

import pytest
import torch
from torch.nn import Linear, Module, ModuleList, Sequential

from droplab import functional as F
from droplab import keyed, nn
from droplab.errors import UserError
from droplab.functional import Key

KEY = Key(seed=3, layer="here")


class Counted(Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x, more=0):
        self.calls += 1
        return x + 1 + more


def test_layers_are_left_out_independently_at_the_nominal_rate_and_not_computed():
    layers, p, steps = [Counted() for _ in range(4)], 0.3, 4000
    stack = nn.LayerDrop(layers, p)
    totals = []
    for step in range(steps):
        with keyed(stack, seed=1, step=step):
            totals.append(float(stack(torch.zeros(1))))
    assert sum(totals) == sum(layer.calls for layer in layers)
    for layer in layers:
        assert abs(layer.calls / steps - 0.7) < 5 * (0.21 / steps) ** 0.5
    variance = torch.tensor(totals).var()
    assert abs(variance - 4 * 0.21) < 5 * 4 * 0.21 * (2 / steps) ** 0.5


def test_what_else_is_given_goes_to_every_layer():
    stack = nn.LayerDrop([Counted(), Counted()], 0.0)
    assert stack(torch.zeros(1), 5) == stack(torch.zeros(1), more=5) == 12
    assert stack.eval()(torch.zeros(1), more=5) == 12


def test_a_loop_over_the_chosen_layers_is_the_call():
    stack, x = nn.LayerDrop([Linear(3, 3) for _ in range(8)], 0.5), torch.rand(4, 3)
    with keyed(stack, seed=1, step=4):
        wanted = stack(x)
    with keyed(stack, seed=1, step=4):
        y = x
        chosen = stack.chosen(x)
        for layer in chosen:
            y = layer(y)
    assert 0 < len(chosen) < 8
    assert torch.equal(y, wanted)
    assert stack.eval().chosen(x) == list(stack)


def test_shards_of_a_batch_leave_the_same_layers_out():
    layers = [lambda x, n=n: x + 2.0**n for n in range(8)]
    whole = F.layer_drop(torch.zeros(4), layers, 0.5, key=KEY)
    assert torch.equal(F.layer_drop(torch.zeros(2), layers, 0.5, key=KEY._replace(samples=2)), whole[2:])
    assert F.layer_drop(torch.zeros(1), layers, 0.5, training=False) == 255


def test_compiled_graphs_have_the_gradients_of_eager_mode():
    stack, x = nn.LayerDrop([Linear(3, 3) for _ in range(6)], 0.5), torch.rand(4, 3)
    torch.compiler.reset()
    compiled = torch.compile(stack, fullgraph=True, backend="aot_eager")
    found = []
    for call in (stack, compiled):
        stack.zero_grad()
        with keyed(stack, seed=1, step=4):
            call(x).sum().backward()
        found.append([torch.zeros(3, 3) if layer.weight.grad is None else layer.weight.grad for layer in stack])
    for eager, graph in zip(*found, strict=True):
        torch.testing.assert_close(graph, eager)


@pytest.mark.parametrize("kind", [ModuleList, lambda layers: Sequential(*layers)])
def test_lists_are_adopted_with_their_layers(kind):
    layers = kind([Linear(3, 3), Linear(3, 3)]).eval()
    stack = nn.LayerDrop.adopt(layers, 0.5)
    assert not stack.training
    assert list(stack.state_dict()) == list(layers.state_dict())
    assert all(a is b for a, b in zip(stack.parameters(), layers.parameters(), strict=True))
    x = torch.rand(2, 3)
    assert torch.equal(stack(x), layers[1](layers[0](x)))


@pytest.mark.parametrize(("rate", "left"), [(0.5, [1, 3, 5, 7]), (0.4, [1, 3, 5, 7]), (1 / 3, [1, 2, 4, 5, 7, 8])])
def test_pruned_stacks_have_every_other_layer(rate, left):
    stack = nn.LayerDrop([Linear(n, 1) for n in range(1, 9)], 0.2)
    shallow = stack.eval().pruned(rate)
    assert [layer.in_features for layer in shallow] == left
    assert not shallow.training
    assert shallow.p == 0.2
    assert len(stack) == 8


def test_errors_say_what_is_wanted():
    for rate in (0.0, 0.6, -1.0):
        with pytest.raises(UserError, match=f"rate {rate}; a share of layers above 0 and at most 0.5"):
            nn.LayerDrop([Counted()]).pruned(rate)


def test_a_slice_keeps_rate_and_mode():
    stack = nn.LayerDrop([torch.nn.Identity() for _ in range(4)], p=0.7).eval()
    part = stack[1:3]
    assert type(part) is nn.LayerDrop
    assert (len(part), part.p, part.training) == (2, 0.7, False)
    assert part[0] is stack[1]
