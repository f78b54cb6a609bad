"""How good the draws are. Seeds are fixed; tolerances are standard errors: 4 for one number, 5 where many are tried."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from droplab import rng
from droplab.kernels import Job, Law, apply
from tests.kernels.cases import DTYPES
from tests.rng import layout

COUNT = 1 << 20
RATES = [0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999]


def dropped(x: Tensor, job: Job) -> Tensor:
    out = torch.full_like(x, torch.nan)
    apply(x, out, job)
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", RATES)
def test_the_keep_rate_is_that_of_p_in_every_dtype(p, dtype):
    kept = (dropped(torch.ones(COUNT, dtype=getattr(torch, dtype)), Job(p, 11)) != 0).double().mean()
    rate, error = rng.effective_rate(p), (p * (1 - p) / COUNT) ** 0.5
    assert abs(1 - kept - rate) < 4 * error
    assert abs(1 - kept - p) < 4 * error + 1 / 131072


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_first_and_second_moment_are_unbiased(p, dtype):
    """What comes out has the mean of what goes in, and a second moment as much larger as it should be.

    Rounding ``scale x`` to a half is a bias of its own (1.001 times a bfloat16 is the same bfloat16): it is computed
    exactly, and is no more than half a unit in the last place.
    """
    x = torch.randn(COUNT, generator=torch.Generator().manual_seed(1)).add(1).to(getattr(torch, dtype))
    rate, scale, out = rng.effective_rate(p), rng.keep_scale(rng.threshold(p)), dropped(x, Job(p, 12)).double()
    scaled = (x.to(torch.promote_types(x.dtype, torch.float32)) * scale).to(x.dtype).double()
    for power in (1, 2):
        difference = out**power - (1 - rate) * scaled**power
        assert abs(difference.mean()) < 4 * difference.std() / COUNT**0.5
    given, scaled = (t.double().numpy().astype(np.longdouble) for t in (x, scaled))  # means that round less than x does
    assert abs((1 - rate) * scaled.mean() - given.mean()) <= abs(given).mean() * torch.finfo(x.dtype).eps / 2


@pytest.mark.parametrize("p", [0.05, 0.2, 0.5])
def test_alpha_keeps_mean_and_variance(p):
    x = torch.randn(COUNT, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    out = dropped(x, Job(p, 13, law=Law.ALPHA))
    assert abs(out.mean()) < 4 * out.std() / COUNT**0.5
    assert abs((out**2).mean() - 1) < 4 * (out**2).std() / COUNT**0.5


BASE = {"seed": 5, "step": 6, "layer": 7, "samples": 8}
OTHERS = {
    "next seed": {"seed": 6},
    "seed's upper half": {"seed": 5 + (1 << 32)},
    "next step": {"step": 7},
    "far step": {"step": 6 + (1 << 16)},
    "next layer": {"layer": 8},
    "next sample": {"samples": 9},
    "step and layer swapped": {"step": 7, "layer": 6},
    "step and sample swapped": {"step": 8, "samples": 6},
}
LAGS = [1, 2, 8, 15, 16, 17, 32, 64, 127, 128, 129, 2048]
HALF = 1 << 18


@pytest.fixture(scope="module")
def base() -> np.ndarray:
    return layout.draws((HALF,), **BASE)


def assert_unrelated(a: np.ndarray, b: np.ndarray) -> None:
    """Uncorrelated as masks at several rates, and as pairs of four bits: every pair as often as any."""
    for p in (0.02, 0.1, 0.5, 0.9):
        one, other = (values >= rng.threshold(p) for values in (a, b))
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / len(a) ** 0.5
    for shift in (0, 4, 8, 12):
        assert_even((a >> shift & 15) * 16 + (b >> shift & 15), 256)


def assert_even(values: np.ndarray, kinds: int) -> None:
    """Chi-square: mean ``kinds - 1``, variance twice that."""
    counts = np.bincount(values, minlength=kinds)
    expected = len(values) / kinds
    chi = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi - (kinds - 1)) < 5 * (2 * (kinds - 1)) ** 0.5


@pytest.mark.parametrize("lag", LAGS)
def test_elements_are_independent(base, lag):
    assert_unrelated(base[:-lag], base[lag:])


@pytest.mark.parametrize("change", OTHERS)
def test_samples_steps_layers_and_seeds_are_independent(base, change):
    assert_unrelated(base, layout.draws((HALF,), **{**BASE, **OTHERS[change]}))


@pytest.mark.parametrize("lane", range(8))
def test_every_lane_is_even(base, lane):
    own = base.reshape(-1, 8, 16)[:, lane].ravel()
    assert_even(own & 255, 256)
    assert_even(own >> 8, 256)
    for bit in range(16):
        assert_even(own >> bit & 1, 2)


def test_names_of_layers_are_independent(base):
    first, second = (layout.draws((HALF,), **{**BASE, "layer": rng.layer_id(name)}) for name in ("drop1", "drop2"))
    assert_unrelated(first, second)
    assert_unrelated(base, first)


def test_masks_of_small_samples_are_independent_across_a_batch():
    """What a layer of 10 units sees in 4,096 samples: each unit's mask over samples, unit against unit."""
    kept = layout.draws((4096, 10), **{**BASE, "samples": 0}, batch_dim=0) >= rng.threshold(0.5)
    correlations = np.corrcoef(kept, rowvar=False)[np.triu_indices(10, 1)]
    assert np.abs(correlations).max() < 5 / 4096**0.5
    assert np.abs(kept.mean(0) - 0.5).max() < 5 * 0.5 / 4096**0.5
