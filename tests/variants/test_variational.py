"""Variational dropout against weights that are really drawn, and against the exact KL term."""

from __future__ import annotations

import math

import pytest
import torch

from droplab import functional as F
from droplab import nn
from droplab.errors import UserError

KEY = F.Key(seed=1, layer="v")
EULER = 0.5772156649015329


def exact_kl(log_alpha):
    """KL(N(1, α) ‖ log-uniform) with a constant that lets it fall to 0 as α grows.

    ``E log|ε|`` for ``ε ~ N(1, α)`` is half the mean logarithm of a noncentral chi-square number, which is a Poisson
    mixture of digamma functions.
    """
    alpha = math.exp(log_alpha)
    half = 1 / (2 * alpha)
    k = torch.arange(20_000, dtype=torch.float64)
    poisson = (k * math.log(half) - half - torch.lgamma(k + 1)).exp()
    mean_log = 0.5 * (log_alpha + math.log(2) + (poisson * torch.digamma(k + 0.5)).sum().item())
    return mean_log - 0.5 * log_alpha + (EULER + math.log(2)) / 2


@pytest.mark.parametrize("log_alpha", [-8.0, -4.0, -2.0, -1.0, -0.5, 0.0, 1.0, 3.0, 8.0])
def test_both_approximations_are_near_the_exact_term(log_alpha):
    wanted, at = exact_kl(log_alpha), torch.tensor(log_alpha, dtype=torch.float64)
    assert F.kl_log_uniform(at).item() == pytest.approx(wanted, abs=0.009)
    if log_alpha <= 0:
        assert F.kl_log_uniform_cubic(at).item() == pytest.approx(wanted, abs=0.041)


def test_the_cubic_is_exact_where_noise_is_faint():
    at = torch.tensor(-8.0, dtype=torch.float64)
    assert F.kl_log_uniform_cubic(at).item() == pytest.approx(exact_kl(-8.0), abs=3e-4)


def moments_of_drawn_weights(apply, weight, variance, draws):
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(draws, *weight.shape, generator=generator, dtype=weight.dtype)
    outputs = torch.stack([apply(weight + variance.sqrt() * one) for one in noise])
    return outputs.mean(0), outputs.var(0)


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_noise_at_the_outputs_has_the_moments_of_noise_on_the_weights(kind):
    torch.manual_seed(0)
    draws = 4000
    if kind == "linear":
        layer, x = nn.SparseVariationalLinear(5, 3, log_sigma2=-2.0, dtype=torch.float64), torch.randn(2, 5).double()
        apply = lambda w: torch.nn.functional.linear(x, w, layer.bias)  # noqa: E731
    else:
        layer = nn.SparseVariationalConv2d(2, 4, 3, padding=1, stride=2, groups=2, log_sigma2=-2.0, dtype=torch.float64)
        x = torch.randn(2, 2, 5, 4).double()
        apply = lambda w: torch.nn.functional.conv2d(x, w, layer.bias, 2, 1, groups=2)  # noqa: E731
    mean, variance = moments_of_drawn_weights(apply, layer.weight.detach(), layer.log_sigma2.detach().exp(), draws)
    torch.manual_seed(1)
    ours = torch.stack([layer(x).detach() for _ in range(draws)])
    error = (2 * variance / draws).sqrt()
    assert ((ours.mean(0) - mean).abs() < 5 * error).all()
    assert ((ours.var(0) / variance - 1).abs() < 5 * math.sqrt(4 / draws)).all()


def test_each_sample_has_noise_of_its_own():
    y = nn.VariationalDropoutLinear(6, 4, p=0.4)(torch.ones(3, 6))
    assert y.unique().numel() == 12


@pytest.mark.parametrize(("per", "shape"), [("layer", (1,)), ("unit", (6,)), ("weight", (4, 6))])
def test_what_has_a_rate_of_its_own(per, shape):
    layer = nn.VariationalDropoutLinear(6, 4, p=0.3, per=per)
    assert layer.log_alpha.shape == shape
    assert layer.p == pytest.approx(0.3)
    one = F.kl_log_uniform_cubic(torch.tensor(math.log(0.3 / 0.7)))
    assert layer.penalty().item() == pytest.approx(24 * one.item(), rel=1e-5)
    layer(torch.ones(2, 6)).sum().backward()
    assert layer.log_alpha.grad.abs().min() > 0


def test_a_unit_of_a_louder_rate_is_louder():
    layer = nn.VariationalDropoutLinear(2, 500, bias=False, p=0.2, per="unit")
    torch.nn.init.ones_(layer.weight)
    with torch.no_grad():
        layer.log_alpha.copy_(torch.tensor([-4.0, -1.0]))
        y = layer(torch.eye(2).repeat(200, 1)).reshape(200, 2, 500)
    for unit, log_alpha in enumerate((-4.0, -1.0)):
        assert y[:, unit].var().item() == pytest.approx(math.exp(log_alpha), rel=5 * math.sqrt(2 / 100_000))


def test_alpha_stays_at_one_or_below_and_finds_its_way_back():
    layer = nn.VariationalDropoutLinear(6, 4, p=0.5)
    assert layer.p == 0.5
    optimizer = torch.optim.Adam([layer.log_alpha], lr=0.05)
    seen = []
    for step in range(200):
        optimizer.zero_grad()
        (layer.penalty() if step < 100 else -layer.penalty()).backward()
        optimizer.step()
        seen.append(layer.p)
    assert max(seen) <= 0.5
    assert min(seen[:100]) > 0.45
    assert seen[-1] < 0.2
    with pytest.raises(UserError, match=r"p = 0\.6; a learned rate of at most 0\.5"):
        layer.p = 0.6
    with pytest.raises(UserError, match="'unit' or 'weight'"):
        nn.VariationalDropoutLinear(2, 2, per="neuron")


def test_no_variance_gives_no_noise_and_no_nan():
    mean, variance = torch.ones(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    y = F.reparameterised(mean, variance)
    y.sum().backward()
    assert torch.equal(y, torch.ones(3))
    assert torch.equal(mean.grad, torch.ones(3))
    assert not variance.grad.any()


@pytest.mark.parametrize("kind", [nn.SparseVariationalLinear, nn.VariationalDropoutLinear])
def test_weights_and_inputs_of_zero_give_no_nan(kind):
    layer = kind(4, 3, p=0.3)
    torch.nn.init.zeros_(layer.weight)
    (layer(torch.zeros(2, 4)).sum() + layer.penalty()).backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())
    assert layer.penalty().isfinite()


def test_half_inputs_whose_squares_are_too_large():
    layer = nn.SparseVariationalLinear(8, 4, p=0.1).half()
    y = layer(torch.full((2, 8), 400.0, dtype=torch.float16))
    assert y.dtype == torch.float16
    assert y.isfinite().all()


@pytest.mark.parametrize("kind", [nn.SparseVariationalLinear, nn.SparseVariationalConv2d])
def test_autocast_leaves_the_variance_in_float32(kind):
    linear = kind is nn.SparseVariationalLinear
    layer = kind(6, 500, log_sigma2=-30.0) if linear else kind(6, 500, 1, log_sigma2=-30.0)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    x = torch.ones(40, 6) if linear else torch.ones(40, 6, 1, 1)
    with torch.autocast("cpu", torch.float16):
        y = layer(x)
    assert y.dtype == torch.float16
    spread = (6 * math.exp(-30)) ** 0.5
    assert y.float().std().item() == pytest.approx(spread, rel=0.05)


def pruning_layer():
    layer = nn.SparseVariationalLinear(4, 2, log_sigma2=-4.0)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0.01, -0.5, 0.2], [-0.02, 0.0, 2.0, 0.03]]))
    return layer


def test_pruning_leaves_out_what_drowns():
    layer = pruning_layer().eval()
    # log α = -4 - 2 log|w| is 3 or more where |w| is exp(-3.5) = 0.0302 or less
    kept = torch.tensor([[True, False, True, True], [False, False, True, False]])
    assert torch.equal(layer.pruned() != 0, kept)
    assert layer.sparsity() == 0.5
    assert layer.compression() == 2.0
    x = torch.randn(3, 4)
    y = layer(x)
    torch.testing.assert_close(y, x @ (layer.weight * kept).T + layer.bias)
    assert layer.weight.count_nonzero() == 7
    assert layer.prune() == 4
    assert layer.weight.count_nonzero() == 4
    assert torch.equal(layer(x), y)
    assert torch.equal(layer.train().weight != 0, kept)


def test_the_threshold_and_the_penalty_of_pruning():
    layer = pruning_layer()
    layer.threshold = 5.0
    assert layer.pruned().count_nonzero() == 6
    wanted = sum(F.kl_log_uniform(value).item() for value in layer.log_alpha().flatten())
    assert layer.penalty().item() == pytest.approx(wanted, rel=1e-5)
    layer.p = 0.999
    assert layer.compression() == math.inf


def test_training_prunes_the_inputs_that_do_not_matter():
    torch.manual_seed(0)
    x = torch.randn(512, 12)
    y = 2 * x[:, :1] - x[:, 1:2] + 0.1 * torch.randn(512, 1)
    layer = nn.SparseVariationalLinear(12, 1, log_sigma2=-8.0)
    optimizer = torch.optim.Adam(layer.parameters())
    for step in range(1000):
        optimizer.param_groups[0]["lr"] = 0.03 * (1 - step / 1000)
        optimizer.zero_grad()
        ((layer(x) - y).square().mean() + layer.penalty() / len(x)).backward()
        optimizer.step()
    assert (layer.pruned() != 0).tolist() == [[True, True] + [False] * 10]
    torch.testing.assert_close(layer.weight[0, :2].detach(), torch.tensor([2.0, -1.0]), rtol=0, atol=0.05)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_keep_the_noise_of_small_weights_and_the_penalty_of_many(dtype):
    layer = nn.VariationalDropoutLinear(300, 300, p=0.3)
    with torch.no_grad():
        layer.weight.mul_(1e-3)  # squares below the smallest half
    wanted, x = layer.penalty(), torch.ones(500, 300)
    spread = (layer(x) - layer.eval()(x)).std()
    layer.train().to(dtype)
    torch.testing.assert_close(layer.penalty(), wanted, rtol=1e-3, atol=0.0)
    found = layer(x.to(dtype)).float() - layer.eval()(x.to(dtype)).float()
    torch.testing.assert_close(found.std(), spread, rtol=0.02, atol=0.0)
