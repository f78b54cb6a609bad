"""Gaussian dropout and noise beside ``LayerContract``: Keras's equations, what is kept, higher derivatives, errors."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.autograd.graph import saved_tensors_hooks
from torch.func import grad, jvp
from torch.utils.checkpoint import checkpoint

from droplab import functional as F
from droplab import keyed, nn
from droplab.errors import KeyingError, UserError
from droplab.functional import Key

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # torch.func's own
KEY = Key(seed=3, layer="here", step=2)
COUNT = 200_000


def keras_dropout(x, rate):
    """``keras.layers.GaussianDropout``: inputs * normal(mean=1, stddev=sqrt(rate / (1 - rate)))."""
    return x * (1 + torch.randn(x.shape, generator=torch.Generator().manual_seed(0)) * (rate / (1 - rate)) ** 0.5)


def keras_noise(x, stddev):
    """``keras.layers.GaussianNoise``: inputs + normal(mean=0, stddev)."""
    return x + torch.randn(x.shape, generator=torch.Generator().manual_seed(0)) * stddev


@pytest.mark.parametrize(("ours", "theirs"), [(F.gaussian_dropout, keras_dropout), (F.gaussian_noise, keras_noise)])
@pytest.mark.parametrize("strength", [0.1, 0.7])
def test_moments_and_quantiles_are_keras_s(ours, theirs, strength):
    x = torch.full((COUNT,), 1.5)
    y, z = ours(x, strength, key=KEY), theirs(x, strength)
    deviation = float(z.std())
    assert abs(y.mean() - z.mean()) < 4 * deviation * (2 / COUNT) ** 0.5
    assert abs(y.std() - z.std()) < 4 * deviation * (1 / COUNT) ** 0.5
    shares = torch.tensor([0.01, 0.1, 0.5, 0.9, 0.99])
    for share, wanted in zip(shares, z.quantile(shares), strict=True):
        assert abs((y < wanted).float().mean() - share) < 4 * float(2 * share * (1 - share) / COUNT) ** 0.5


@pytest.mark.parametrize("function", [F.gaussian_dropout, F.gaussian_noise])
@pytest.mark.parametrize("key", [None, KEY])
def test_nothing_of_the_input_s_size_is_kept_for_backward(function, key):
    kept = []
    x = torch.ones(100, 30, requires_grad=True)
    with saved_tensors_hooks(lambda tensor: kept.append(tensor.numel()) or tensor, lambda tensor: tensor):
        function(x, 0.5, key=key).sum().backward()
    assert sum(kept) <= 1


def test_gradients_of_drop_in_noise_are_those_of_its_forward_pass():
    x = torch.full((50, 8), 2.0, requires_grad=True)
    y = F.gaussian_dropout(x, 0.4)
    (found,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(found * 2, y.detach())


def test_higher_derivatives_and_forward_mode():
    x = torch.rand(3, 5, dtype=torch.float64, requires_grad=True)

    def cubed(value):
        return F.gaussian_dropout(value, 0.4, key=KEY) ** 3

    assert gradcheck(cubed, (x,), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(cubed, (x,))
    factor = F.gaussian_dropout(torch.ones_like(x), 0.4, key=KEY)
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(F.gaussian_dropout(forward_ad.make_dual(x, 2 * x), 0.4, key=KEY)).tangent
    torch.testing.assert_close(tangent, 2 * x * factor)
    torch.testing.assert_close(jvp(lambda v: F.gaussian_dropout(v, 0.4, key=KEY), (x,), (x,))[1], x * factor)
    torch.testing.assert_close(grad(lambda v: F.gaussian_dropout(v, 0.4, key=KEY).sum())(x), factor)


def test_backward_uses_the_rate_and_the_step_of_its_forward_pass():
    p, step = torch.tensor(0.4, dtype=torch.float64), torch.tensor(2)
    x = torch.full((50, 8), 2.0, requires_grad=True)
    y = F.gaussian_dropout(x, p, key=KEY._replace(step=step))
    p.fill_(0.9)
    step.fill_(7)
    (found,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(found * 2, y.detach())


def test_checkpointing_draws_the_same_and_says_where_it_cannot():
    layer = nn.GaussianDropout(0.4)
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), layer, torch.nn.Tanh())
    x = torch.randn(6, 8, requires_grad=True)
    wanted = None
    for run in (model, lambda value: checkpoint(model, value, use_reentrant=False)):
        with keyed(model, seed=1, step=4):
            (found,) = torch.autograd.grad(run(x).sum(), x)
        wanted = found if wanted is None else wanted
    torch.testing.assert_close(found, wanted)
    with keyed(model, seed=1, step=4):
        y = checkpoint(model, x, use_reentrant=False)
    with keyed(model, seed=1, step=5), pytest.raises(KeyingError, match="under another key"):
        y.sum().backward()


def test_a_scale_reaches_beyond_a_deviation_of_one():
    x = torch.zeros(20_000)
    y = nn.GaussianNoise(0.5, scale=6.0)(x)
    assert abs(y.std() - 3) < 4 * 3 / (2 * len(x)) ** 0.5


def test_errors_say_what_is_wanted():
    for p in (1.0, torch.tensor(1.0)):
        with pytest.raises(UserError, match=r"p = 1.*a rate below 1 is wanted"):
            F.gaussian_dropout(torch.ones(2), p)
    for scale in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UserError, match=f"scale {scale}; a standard deviation"):
            nn.GaussianNoise(0.1, scale=scale)
        with pytest.raises(UserError, match=f"scale {scale}; a standard deviation"):
            F.gaussian_noise(torch.ones(2), 0.1, scale=scale)
