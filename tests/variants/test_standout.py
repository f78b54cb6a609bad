"""Standout against the paper's formulas, written out."""

from __future__ import annotations

import math
import sys

import pytest
import torch

from droplab import functional as F
from droplab import keyed, nn
from droplab.errors import UserError


def test_the_rate_of_a_unit_follows_what_it_receives():
    received = [-3.0, -1.0, 0.0, 0.5, 2.0]
    draws, p, alpha = 40_000, 0.3, 1.5
    a = torch.tensor(received).expand(draws, -1)
    kept = F.standout(torch.ones_like(a), a, p, alpha=alpha, key=F.Key(seed=1, layer="s"))
    for unit, value in enumerate(received):
        wanted = 1 / (1 + math.exp(-(alpha * value + math.log((1 - p) / p))))
        error = math.sqrt(wanted * (1 - wanted) / draws)
        assert abs(kept[:, unit].mean().item() - wanted) < 4 * error
        in_eval = F.standout(torch.ones(1), torch.tensor([value]), p, training=False, alpha=alpha)
        assert in_eval.item() == pytest.approx(wanted, rel=1e-6)


def test_without_alpha_every_unit_has_the_rate_p():
    a = torch.randn(200, 500)
    kept = F.standout(torch.ones_like(a), a, 0.2, alpha=0.0, key=F.Key(seed=1, layer="s"))
    assert abs(kept.mean().item() - 0.8) < 4 * math.sqrt(0.16 / a.numel())


def test_relu_after_the_layer_is_relu_before_the_mask():
    layer, x = nn.LinearStandout(8, 5, p=0.4), torch.randn(6, 8)
    a = torch.nn.functional.linear(x, layer.weight, layer.bias)
    with keyed(torch.nn.ModuleDict({"s": layer}), seed=2, step=1):
        ours = layer(x).relu()
    key = F.Key(seed=2, layer="s", step=1)
    assert torch.equal(ours, F.standout(a.relu(), a, 0.4, key=key))
    assert torch.equal(layer.eval()(x).relu(), F.standout(a.relu(), a, 0.4, training=False))


def test_training_sends_no_gradient_through_the_mask_and_eval_does():
    a = torch.tensor([[0.3, -0.2, 1.0, 0.1]], requires_grad=True)
    ones = torch.ones_like(a)
    key = F.Key(seed=3, layer="s")
    kept = F.standout(ones, a, 0.5, key=key)
    (grad,) = torch.autograd.grad(F.standout(a, a, 0.5, key=key).sum(), a)
    assert torch.equal(grad, kept)
    (grad,) = torch.autograd.grad(F.standout(ones, a, 0.5, training=False).sum(), a)
    torch.testing.assert_close(grad, torch.sigmoid(a) * (1 - torch.sigmoid(a)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_rates_zero_and_one_are_exact_in_every_dtype(dtype):
    x = torch.randn(50, 64).to(dtype)
    for p in (0.0, torch.tensor(0.0)):
        assert torch.equal(F.standout(x, x, p), x)
        assert torch.equal(F.standout(x, x, p, training=False), x)
    for p in (1.0, torch.tensor(1.0)):
        assert not F.standout(x, x, p).any()
        assert not F.standout(x, x, p, training=False).any()


def test_shapes_that_differ_are_told():
    with pytest.raises(UserError, match=r"\(2, 3\) and preactivations of \(3, 2\)"):
        F.standout(torch.ones(2, 3), torch.ones(3, 2))


def test_a_draw_that_rounds_to_one_drops_nothing_at_rate_zero(monkeypatch):
    module = sys.modules["droplab.variants.standout"]
    monkeypatch.setattr(module, "uniform", lambda x, **_: torch.ones_like(x))
    x = torch.ones(3)
    assert torch.equal(F.standout(x, x, 0.0), x)
    assert not F.standout(x, x, 0.5).any()
