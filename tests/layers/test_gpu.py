"""A layer that is called more than once, on a GPU: in graphs, in CUDA's graphs, and recomputed."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import droplab

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]
WAYS = {
    "eager": lambda model: model,
    "compiled": torch.compile,
    "reduce-overhead": functools.partial(torch.compile, mode="reduce-overhead"),
}


class Net(nn.Module):
    """One layer called three times, the second of them recomputed where it is asked for; or three of those names."""

    def __init__(self, *, named=False, recomputed=False) -> None:
        super().__init__()
        self.first = nn.Linear(64, 64)
        self.drops = nn.ModuleList(droplab.nn.Dropout(0.5) for _ in range(3 if named else 1))
        for number, layer in enumerate(self.drops, 1):
            layer.key_name = "drop" if number == 1 else f"drop#{number}"
        self.recomputed = recomputed

    def forward(self, x):
        for number in range(3):
            drop = self.drops[number if len(self.drops) == 3 else 0]
            y = self.first(x)
            x = x + (checkpoint(drop, y, use_reentrant=False) if self.recomputed and number == 1 else drop(y))
        return x


def step(model, called, number):
    x = torch.ones(32, 64, device="cuda")
    model.zero_grad()
    at = torch.tensor(number, device="cuda")
    torch.compiler.cudagraph_mark_step_begin()
    with droplab.keyed(model, seed=3, step=at):
        y = called(x)
        y.square().mean().backward()
    return y.detach().clone(), model.first.weight.grad.clone()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("recomputed", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_calls_have_masks_of_their_own_at_every_step(way, recomputed):
    torch._dynamo.reset()
    torch.manual_seed(0)
    named = Net(named=True).cuda()
    model = Net(recomputed=recomputed).cuda()
    model.first.load_state_dict(named.first.state_dict())
    fast = WAYS[way](model)
    for number in range(6):  # a graph is captured in the first ones and replayed in the others
        for found, wanted in zip(step(model, fast, number), step(named, named, number), strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", list(WAYS)[1:])
def test_a_call_outside_of_the_graph_is_the_next_one(way):
    torch._dynamo.reset()
    drop = droplab.nn.Dropout(0.5)
    model = nn.Sequential(drop).cuda()
    drop.key_name = "drop"
    wanted = droplab.nn.Dropout(0.5)
    wanted.key_name = "drop#2"
    fast = WAYS[way](model)
    x = torch.ones(32, 64, device="cuda")
    for number in range(5):
        torch.compiler.cudagraph_mark_step_begin()
        with torch.no_grad(), droplab.keyed(model, seed=3, step=torch.tensor(number, device="cuda")):
            fast(x)
            found = drop(x)
        with torch.no_grad(), droplab.keyed(wanted, seed=3, step=number):
            assert torch.equal(found, wanted(x)), number
