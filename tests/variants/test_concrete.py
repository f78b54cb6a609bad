"""Concrete dropout against its paper: the relaxed mask, the penalty, the rate that is learned."""

from __future__ import annotations

import math

import pytest
import torch

from droplab import functional as F
from droplab import nn
from droplab.errors import UserError
from droplab.nn import penalty

KEY = F.Key(seed=1, layer="c")


def logit(p):
    return torch.tensor([math.log(p / (1 - p))], dtype=torch.float64)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_mask_is_nearly_binary_and_drops_with_probability_p(p):
    x = torch.ones(300, 300, dtype=torch.float64)
    mask = F.concrete_dropout(x, logit(p), key=KEY) * (1 - p)
    error = math.sqrt(p * (1 - p) / x.numel())
    assert abs((mask < 0.5).double().mean().item() - p) < 4 * error
    assert abs(mask.mean().item() - (1 - p)) < 4 * error + 0.002
    middle = ((mask > 0.05) & (mask < 0.95)).double().mean().item()
    width = 2 * 0.1 * math.log(19)  # in log odds: where σ(log odds / t) is between 0.05 and 0.95
    low, high = (1 / (1 + math.exp(-(math.log((1 - p) / p) + side * width / 2))) for side in (-1, 1))
    assert abs(middle - (high - low)) < 4 * math.sqrt((high - low) / x.numel())


def test_a_low_temperature_is_plain_dropout():
    x = torch.rand(50, 40, dtype=torch.float64) + 1
    y = F.concrete_dropout(x, logit(0.3), temperature=1e-9, key=KEY)
    kept = y != 0
    torch.testing.assert_close(y[kept], x[kept] / 0.7)
    assert 0.2 < 1 - kept.double().mean() < 0.4


def test_the_rate_has_the_gradient_of_its_own_formula():
    x = torch.randn(4, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: F.concrete_dropout(x, p, key=KEY), (logit(0.3).requires_grad_(),))


def test_channels_share_a_draw():
    y = F.concrete_dropout(
        torch.ones(3, 4, 5, 6, dtype=torch.float64), logit(0.5), temperature=1.0, shared=(2, 3), key=KEY
    )
    assert torch.equal(y, y[:, :, :1, :1].expand_as(y))
    assert y[:, :, 0, 0].unique().numel() == 12


def by_hand(weight, p, units, length_scale, tau):
    """Equation 3 and the prior's term, for the masked matrix M = W / (1 - p)."""
    masked = weight.double() / (1 - p)
    entropy = -p * math.log(p) - (1 - p) * math.log(1 - p)
    return (length_scale**2 * (1 - p) / 2 * masked.square().sum().item() - units * entropy) / tau


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9])
def test_the_penalty_of_both_layers(p):
    linear = nn.ConcreteDropoutLinear(7, 3, p=p, length_scale=0.8, tau=2.0)
    assert linear.penalty().item() == pytest.approx(by_hand(linear.weight, p, 7, 0.8, 2.0), rel=1e-5)
    conv = nn.ConcreteDropoutConv2d(6, 4, 3, groups=2, p=p, length_scale=0.8)
    assert conv.penalty().item() == pytest.approx(by_hand(conv.weight, p, 6, 0.8, 1.0), rel=1e-5)
    both = penalty(torch.nn.Sequential(linear, conv))
    torch.testing.assert_close(both, linear.penalty() + conv.penalty())
    assert both.shape == ()


def test_without_data_the_rate_goes_to_one_half_and_heavy_weights_push_it_down():
    found = []
    for scale in (0.0, 3.0):
        layer = nn.ConcreteDropoutLinear(20, 10, p=0.2, length_scale=1.0)
        torch.nn.init.constant_(layer.weight, scale)
        layer.weight.requires_grad_(False)
        optimizer = torch.optim.Adam([layer.p_logit], lr=0.1)
        for _ in range(300):
            optimizer.zero_grad()
            layer.penalty().backward()
            optimizer.step()
        found.append(layer.p)
    assert found[0] == pytest.approx(0.5, abs=1e-3)
    assert found[1] < 0.05


def test_a_low_rate_is_learned_where_every_input_matters():
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    y = x.sum(1, keepdim=True)
    layer = nn.ConcreteDropoutLinear(8, 1, p=0.4)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.03)
    for _ in range(400):
        optimizer.zero_grad()
        loss = 0.5 * (layer(x) - y).square().mean() + layer.penalty() / 4096
        loss.backward()
        optimizer.step()
    assert layer.p < 0.05
    torch.testing.assert_close(layer.weight.detach(), torch.ones(1, 8), rtol=0, atol=0.1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_the_float32_result_rounded(dtype):
    x, p = torch.randn(9, 8).to(dtype), torch.tensor([-1.5], dtype=dtype)
    wide = F.concrete_dropout(x.float(), p.float(), key=KEY)
    assert torch.equal(F.concrete_dropout(x, p, key=KEY), wide.to(dtype))


def test_a_draw_that_rounds_to_one_gives_no_nan(monkeypatch):
    from droplab.variants import concrete

    monkeypatch.setattr(concrete, "uniform", lambda x, **_: torch.ones_like(x))
    x, p = torch.ones(3, requires_grad=True), torch.zeros(1, requires_grad=True)
    y = F.concrete_dropout(x, p)
    y.sum().backward()
    assert not y.any()
    assert not x.grad.any()
    assert p.grad.item() == 0


def test_eval_is_the_input_itself_and_temperatures_are_checked():
    x = torch.ones(3)
    assert F.concrete_dropout(x, torch.zeros(1), training=False) is x
    with pytest.raises(UserError, match="temperature 0"):
        F.concrete_dropout(x, torch.zeros(1), temperature=0)
    with pytest.raises(UserError, match="temperature -1"):
        nn.ConcreteDropoutLinear(2, 2, temperature=-1)
