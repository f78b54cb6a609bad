"""DropConnect beside its defaults, which ``LayerContract`` covers: the naive equation, and the paper's inference."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch
from torch.nn import functional

from droplab import functional as F
from droplab import keyed, nn
from droplab.errors import RankError, UserError
from droplab.masks.noise import normal

KEY = F.Key(seed=3, layer="fc")
LINEAR = nn.DropConnectLinear
CONV = nn.DropConnectConv2d


def draw(layer, x, **key):
    with keyed(torch.nn.ModuleDict({"fc": layer}), **{"seed": 3, **key}):
        return layer(x)


def kept(shape, p, key=KEY):
    """A scaled mask that has no part in what is tested: dropout of ones."""
    return F.dropout(torch.ones(shape, dtype=torch.float64), p, True, key=key._replace(samples=0, batch_dim=None))


def biased(key=KEY):
    return key._replace(layer=key.layer_id + 0x9E3779B9 & 0xFFFFFFFF)


@pytest.mark.parametrize("drop_bias", [True, False])
def test_the_equation(drop_bias):
    layer = LINEAR(5, 3, p=0.4, drop_bias=drop_bias, dtype=torch.float64)
    x = torch.randn(7, 2, 5, dtype=torch.float64)
    weight, bias = layer.weight * kept((3, 5), 0.4), layer.bias * (kept((3,), 0.4, biased()) if drop_bias else 1)
    torch.testing.assert_close(draw(layer, x), x @ weight.T + bias, rtol=1e-12, atol=1e-12)


def test_the_equation_of_the_convolution():
    layer = CONV(4, 6, (3, 2), p=0.4, padding=1, stride=2, groups=2, padding_mode="circular", dtype=torch.float64)
    x = torch.randn(2, 4, 6, 5, dtype=torch.float64)
    twin = torch.nn.Conv2d(4, 6, (3, 2), padding=1, stride=2, groups=2, padding_mode="circular", dtype=torch.float64)
    with torch.no_grad():
        twin.weight.copy_(layer.weight * kept(layer.weight.shape, 0.4))
        twin.bias.copy_(layer.bias * kept((6,), 0.4, biased()))
    torch.testing.assert_close(draw(layer, x), twin(x), rtol=1e-12, atol=1e-12)


def test_functions_and_layers_agree():
    x, image = torch.randn(4, 5), torch.randn(4, 3, 6, 6)
    linear, conv = LINEAR(5, 3, p=0.4), CONV(3, 4, 3, p=0.4, stride=2, padding=1, dilation=2)
    assert torch.equal(draw(linear, x), F.drop_connect(x, linear.weight, linear.bias, 0.4, key=KEY))
    options = {"stride": 2, "padding": 1, "dilation": 2}
    assert torch.equal(draw(conv, image), F.drop_connect2d(image, conv.weight, conv.bias, 0.4, key=KEY, **options))
    assert torch.equal(F.drop_connect(x, linear.weight, linear.bias, 0.4, training=False), linear.eval()(x))
    found = F.drop_connect2d(image, conv.weight, conv.bias, 0.4, training=False, **options)
    assert torch.equal(found, conv.eval()(image))


def test_parameters_get_the_gradients_of_the_equation():
    layer, x = LINEAR(5, 3, p=0.4, dtype=torch.float64), torch.randn(7, 5, dtype=torch.float64)
    with keyed(torch.nn.ModuleDict({"fc": layer}), seed=3):
        layer(x).square().sum().backward()
    weight, bias = layer.weight.detach() * kept((3, 5), 0.4), layer.bias.detach() * kept((3,), 0.4, biased())
    error = 2 * (x @ weight.T + bias)
    torch.testing.assert_close(layer.weight.grad, error.T @ x * kept((3, 5), 0.4), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(layer.bias.grad, error.sum(0) * kept((3,), 0.4, biased()), rtol=1e-10, atol=1e-10)


class TestPerSample:
    def test_every_sample_has_the_mask_of_its_own_key(self):
        layer, x = LINEAR(5, 3, p=0.4, per_sample=True, dtype=torch.float64), torch.randn(6, 2, 5, dtype=torch.float64)
        y = draw(layer, x)
        masks = F.dropout(torch.ones(6, 3, 5, dtype=torch.float64), 0.4, True, key=KEY)
        biases = F.dropout(torch.ones(6, 3, dtype=torch.float64), 0.4, True, key=biased())
        for n in range(6):
            wanted = x[n] @ (layer.weight * masks[n]).T + layer.bias * biases[n]
            torch.testing.assert_close(y[n], wanted, rtol=1e-12, atol=1e-12)
        assert not torch.equal(masks[0], masks[1])

    def test_shards_and_gradients(self):
        layer, x = LINEAR(5, 3, p=0.4, per_sample=True, dtype=torch.float64), torch.randn(6, 5, dtype=torch.float64)
        ids = torch.tensor([4, 1])
        torch.testing.assert_close(draw(layer, x[ids], samples=ids), draw(layer, x)[ids], rtol=1e-12, atol=1e-12)
        masks = F.dropout(torch.ones(6, 3, 5, dtype=torch.float64), 0.4, True, key=KEY)
        (grad,) = torch.autograd.grad(draw(layer, x).sum(), layer.weight)
        torch.testing.assert_close(grad, (masks * x[:, None]).sum(0), rtol=1e-12, atol=1e-12)

    def test_no_samples_and_one_dimension(self):
        layer = LINEAR(5, 3, p=0.4, per_sample=True)
        assert layer(torch.ones(0, 5)).shape == (0, 3)
        assert layer(torch.ones(0, 4, 5)).shape == (0, 4, 3)
        with pytest.raises(RankError, match="got 1 dimensions"):
            layer(torch.ones(5))


class TestGaussianInference:
    """For a ReLU the mean over a normal is known: mu Φ(mu / s) + s φ(mu / s)."""

    @staticmethod
    def wanted(mean, variance):
        deviation = variance.sqrt()
        ratio = mean / deviation
        density = (-ratio.square() / 2).exp() / math.sqrt(2 * math.pi)
        expected = mean * torch.special.ndtr(ratio) + deviation * density
        squares = (mean.square() + variance) * torch.special.ndtr(ratio) + mean * deviation * density
        return expected, squares - expected.square()

    @staticmethod
    def close(found, wanted, variance, samples):
        return ((found - wanted).abs() < 5 * (variance / samples).sqrt()).all()

    def test_linear(self):
        p, samples = 0.4, 400
        layer = LINEAR(30, 20, p=p, inference="gaussian", samples=samples, activation=torch.relu, dtype=torch.float64)
        x = torch.randn(8, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        variance = (x.square() @ layer.weight.square().T + layer.bias.square()) * (p / (1 - p))
        wanted, spread = self.wanted(x @ layer.weight.T + layer.bias, variance)
        found = draw(layer.eval(), x)
        assert self.close(found, wanted, spread, samples)
        mean_law = torch.relu(x @ layer.weight.T + layer.bias)
        assert not self.close(mean_law, wanted, spread, samples)

    def test_convolution_without_dropped_biases(self):
        p, samples = 0.4, 400
        options = {"padding": 1, "dtype": torch.float64}
        layer = CONV(
            3, 4, 3, p=p, inference="gaussian", samples=samples, activation=torch.relu, drop_bias=False, **options
        )
        torch.nn.init.constant_(layer.bias, 2.0)  # whose square would show
        x = torch.randn(2, 3, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        variance = functional.conv2d(x.square(), layer.weight.square(), padding=1) * (p / (1 - p))
        mean = functional.conv2d(x, layer.weight, layer.bias, padding=1)
        assert self.close(draw(layer.eval(), x), *self.wanted(mean, variance), samples)

    def test_it_is_nearer_to_the_average_of_masks_than_mean_inference(self):
        """What the paper claims for it."""
        layer = LINEAR(40, 30, p=0.5, samples=400, activation=torch.relu, per_sample=True)
        x = torch.randn(1, 40, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            sampled = draw(layer, x.expand(4000, 40)).mean(0)
            mean = layer.eval()(x)[0]
            layer.inference = "gaussian"
            gaussian = draw(layer, x)[0]
        assert (gaussian - sampled).norm() < 0.3 * (mean - sampled).norm()

    def test_its_numbers_have_keys(self):
        layer, x = LINEAR(5, 3, p=0.4, inference="gaussian", samples=2).eval(), torch.randn(6, 5)
        first = draw(layer, x)
        assert torch.equal(first, draw(layer, x))
        assert not torch.equal(first, draw(layer, x, step=1))
        ids = torch.tensor([5, 2])
        torch.testing.assert_close(draw(layer, x[ids], samples=ids), first[ids])
        mean, one = x @ layer.weight.T + layer.bias, F.drop_connect_inference
        variance = (x.square() @ layer.weight.square().T + layer.bias.square()) * (0.4 / 0.6)
        torch.testing.assert_close(first, one(mean, variance, samples=2, key=KEY))
        assert not torch.allclose(one(mean, variance, samples=1, key=KEY), one(mean, variance, samples=2, key=KEY))

    def test_it_is_the_average_over_its_draws(self):
        mean, variance = torch.randn(4, 3), torch.rand(4, 3)
        draws = [mean + variance.sqrt() * normal(mean, key=KEY, stream=stream) for stream in (1, 2, 3)]
        found = F.drop_connect_inference(mean, variance, samples=3, activation=torch.exp, key=KEY)
        torch.testing.assert_close(found, torch.stack(draws).exp().mean(0))

    def test_edges(self):
        x = torch.zeros(2, 5, requires_grad=True)
        layer = LINEAR(5, 3, bias=False, p=0.4, inference="gaussian", samples=2).eval()
        y = layer(x)
        (grad,) = torch.autograd.grad(y.sum(), x)
        assert not y.detach().abs().gt(1e-15).any()
        assert grad.isfinite().all()
        layer.p = 0.0
        assert torch.equal(layer(x), x @ layer.weight.T)
        layer.p = 1.0
        with pytest.raises(UserError, match=r"p=1 .* infinite"):
            layer(x)
        assert not layer.train()(x).any()

    def test_moved_rates(self):
        layer, x = LINEAR(5, 3, p=0.4, inference="gaussian", samples=2).eval(), torch.randn(6, 5)
        first = draw(layer, x)
        layer.p = torch.tensor(0.4, dtype=torch.float64)
        found = draw(layer, x)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, first)


def test_activation_is_part_of_training_too():
    layer, x = LINEAR(5, 3, p=0.4, activation=torch.relu), torch.randn(6, 5)
    assert (draw(layer, x) >= 0).all()
    without = LINEAR.adopt(torch.nn.Linear(5, 3), 0.4)
    without.load_state_dict(layer.state_dict())
    assert torch.equal(draw(without, x).relu(), draw(layer, x))


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (LINEAR, torch.nn.Linear(5, 3)),
        (LINEAR, torch.nn.Linear(5, 3, bias=False)),
        (CONV, torch.nn.Conv2d(2, 3, 3, padding="same", padding_mode="reflect")),
        (nn.WeightDropLinear, torch.nn.Linear(5, 3)),
    ],
)
def test_adoption(layer, module):
    module.eval()
    new = layer.adopt(module, 0.3)
    assert list(new.state_dict()) == list(module.state_dict())
    assert all(mine is theirs for mine, theirs in zip(new.parameters(), module.parameters(), strict=True))
    x = torch.randn(4, 5) if isinstance(module, torch.nn.Linear) else torch.randn(4, 2, 6, 6)
    assert torch.equal(new(x), module(x))
    assert new.p == 0.3
    assert not new.training
    assert not torch.equal(new.train()(x), module(x))
    new.register_buffer("other", torch.ones(1))
    assert "other" not in dict(module.named_buffers())
    for copied in (copy.deepcopy(new), pickle.loads(pickle.dumps(new))):
        assert repr(copied) == repr(new)


def test_adoption_with_options_and_of_strangers():
    new = LINEAR.adopt(torch.nn.Linear(5, 3), 0.3, per_sample=True, inference="gaussian", samples=7, drop_bias=False)
    assert repr(new).endswith("drop_bias=False, inference='gaussian', samples=7, per_sample=True)")
    with pytest.raises(UserError, match=r"DropConnectLinear.adopt got a Conv2d; exactly a torch.nn.Linear"):
        LINEAR.adopt(torch.nn.Conv2d(1, 1, 1))
    with pytest.raises(UserError, match="got a DropConnectLinear; exactly"):
        nn.WeightDropLinear.adopt(LINEAR(5, 3))


def test_wrong_options_say_what_is_wanted():
    with pytest.raises(UserError, match="'normal'; 'mean' or 'gaussian'"):
        LINEAR(5, 3, inference="normal")
    with pytest.raises(UserError, match="samples=0; 1 or more"):
        CONV(1, 1, 1, samples=0)
    with pytest.raises(UserError, match="samples=0; 1 or more"):
        F.drop_connect_inference(torch.zeros(1), torch.ones(1), samples=0)
    with pytest.raises(RankError, match="got 2 dimensions"):
        F.drop_connect2d(torch.ones(2, 3), torch.ones(1, 1, 1, 1))


def test_compiled_training_step_has_the_gradients_of_eager_mode():
    layer, x = (
        LINEAR(5, 3, p=0.4, per_sample=True, activation=torch.tanh, dtype=torch.float64),
        torch.randn(6, 5).double(),
    )
    torch.compiler.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    eager = torch.autograd.grad(draw(layer, x).square().sum(), list(layer.parameters()))
    with keyed(torch.nn.ModuleDict({"fc": layer}), seed=3):
        traced = torch.autograd.grad(compiled(x).square().sum(), list(layer.parameters()))
    torch.testing.assert_close(traced, eager, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scale", [1e-3, 1000.0])
@pytest.mark.parametrize("cast", [True, False])
def test_gaussian_inference_in_halves_is_that_of_float32(dtype, scale, cast):
    torch.manual_seed(0)
    layer = nn.DropConnectLinear(64, 8, p=0.5, inference="gaussian", samples=400).eval()
    model, x = torch.nn.ModuleDict({"fc": layer}), torch.randn(4, 64) * scale
    with keyed(model, seed=1):
        wanted = layer(x)
    if not cast:
        layer.to(dtype)
    with keyed(model, seed=1), torch.autocast("cpu", dtype, enabled=cast):
        found = layer(x if cast else x.to(dtype))
    assert found.dtype == dtype
    assert (found - wanted).abs().max() <= (0.001 if dtype == torch.float16 else 0.008) * wanted.abs().max()


def test_an_activation_that_cannot_be_called_is_refused_at_once():
    with pytest.raises(UserError, match="got activation 'relu'; a function"):
        nn.DropConnectLinear(2, 2, activation="relu")


@pytest.mark.parametrize("drop_bias", [True, False])
def test_per_sample_masks_give_halves_under_autocast_as_a_linear_layer_does(drop_bias):
    layer = nn.DropConnectLinear(4, 3, per_sample=True, drop_bias=drop_bias)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.ones(2, 4)).dtype == torch.bfloat16
