"""Every row of the catalog on a GPU: what the CPU gives under the same key, forward and backward."""

from __future__ import annotations

import math

import pytest
import torch

import droplab
from droplab.testing.laws import ORACLES
from droplab.variants.catalog import CATALOG

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]


@pytest.fixture(autouse=True)
def _single_precision(monkeypatch):
    """cuDNN's recurrent layers and convolutions would otherwise multiply with 10 bits (TF32)."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


ROUNDED = {name for name, kind in CATALOG.items() if kind.has_parameters or "gauss" in name or "attention" in name}
"""Rows that multiply matrices or take logarithms, whose last bits are the device's own."""


def results(name: str, device: str) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Output and gradient of one keyed call."""
    oracle = ORACLES[name]
    torch.manual_seed(0)
    layer = oracle.build(min(0.3, oracle.highest)).float()
    count = math.prod(oracle.shape)
    if oracle.vocabulary is not None:
        x = (torch.arange(count) * 7 % oracle.vocabulary).reshape(oracle.shape)
    else:
        x = (torch.arange(count) % 17 - 8.5).reshape(oracle.shape)
    layer, x = layer.to(device), x.to(device)
    leaf = x.requires_grad_() if oracle.vocabulary is None else next(layer.parameters())
    model = torch.nn.ModuleDict({"layer": layer})
    samples = torch.arange(3, 3 + x.shape[layer.batch_dim or 0], device=device)
    with droplab.keyed(model, seed=2**40 + 5, step=7, samples=samples if oracle.per_sample else None):
        found = layer(x)
        out = found[0] if isinstance(found, tuple) else found
        (grad,) = torch.autograd.grad((out * torch.linspace(1, 2, out.numel(), device=device).view_as(out)).sum(), leaf)
    return out.detach().cpu(), grad.cpu()


@pytest.mark.parametrize("name", CATALOG)
def test_a_gpu_gives_what_the_cpu_gives_under_the_same_key(name):
    (here, grad_here), (there, grad_there) = results(name, "cpu"), results(name, "cuda")
    assert torch.equal(here == 0, there == 0)  # the same units are dropped
    if name in ROUNDED:
        torch.testing.assert_close(there, here, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(grad_there, grad_here, rtol=1e-4, atol=1e-4)
    else:
        assert torch.equal(there, here)
        torch.testing.assert_close(grad_there, grad_here, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", [name for name in CATALOG if ORACLES[name].vocabulary is None])
def test_drop_in_masks_follow_torch_s_seed_and_move_on(name):
    oracle = ORACLES[name]
    layer = oracle.build(min(0.3, oracle.highest)).float().cuda()
    x = torch.randn(oracle.shape, device="cuda", generator=torch.Generator("cuda").manual_seed(1))

    def draw() -> torch.Tensor:
        found = layer(x)
        return (found[0] if isinstance(found, tuple) else found).detach()

    torch.manual_seed(3)
    first, second = draw(), draw()
    torch.manual_seed(3)
    assert torch.equal(draw(), first)
    assert not torch.equal(first, second) or (first.shape != x.shape and oracle.shaped_by_rate)


@pytest.mark.parametrize("name", ["dropout", "gaussian_dropout", "alpha_dropout"])
def test_a_cuda_graph_follows_a_rate_that_moves(name):
    """A number on the CPU would be frozen where the graph was captured."""
    layer = ORACLES[name].build(0.5).float()
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), layer).cuda()
    fast = torch.compile(model, mode="reduce-overhead")
    x = torch.ones(32, 64, device="cuda")
    for turn, p in enumerate((0.5, 0.5, 0.5, 0.9, 0.1)):
        layer.p = p
        torch.compiler.cudagraph_mark_step_begin()
        with torch.no_grad(), droplab.keyed(model, seed=3, step=torch.tensor(turn, device="cuda")):
            found = fast(x).clone()
        with torch.no_grad(), droplab.keyed(model, seed=3, step=turn):
            torch.testing.assert_close(found, model(x), rtol=1e-2, atol=1e-2)
