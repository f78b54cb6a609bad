from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from droplab import rng
from droplab.kernels import Job, Law, apply, backend
from tests.kernels.cases import EVERY, Case

HALVES = [torch.float16, torch.bfloat16]


def dropped(x: Tensor, job: Job, residual: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """By Numba: what comes out, and where it was kept."""
    out, marks = torch.full_like(x, torch.nan), torch.empty(len(x))
    with backend("numba"):
        apply(x, out, job, residual)
        apply(torch.ones(len(x)), marks, job)
    return out, marks > 0


def same_bits(a: Tensor, b: Tensor) -> bool:
    """NaN counts as NaN, whatever its payload."""
    return bool(((a.view(torch.int16) == b.view(torch.int16)) | (a.isnan() & b.isnan())).all())


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("p", [0.0, 1e-9, 0.1, 0.5, 0.7])
def test_every_number_is_widened_and_rounded_as_torch_does(dtype, p):
    x = EVERY.view(dtype)
    wanted = (x.float() * rng.keep_scale(rng.threshold(p))).to(dtype)
    seen = torch.zeros(len(x), dtype=torch.bool)
    for step in range(60):
        out, kept = dropped(x, Job(p, 3, step))
        assert same_bits(out[kept], wanted[kept])
        assert not out[~kept].view(torch.int16).any()
        seen |= kept
        if seen.all():
            break
    assert seen.all()


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5])
def test_a_residual_is_added_before_rounding(dtype, p):
    """Ties, subnormals, overflow: every pattern comes twice, beside others."""
    x, residual = EVERY.view(dtype), EVERY.flip(0).roll(12345).view(dtype)
    out, kept = dropped(x, Job(p, 3), residual)
    wanted = (x.float() * rng.keep_scale(rng.threshold(p)) + residual.float()).to(dtype)
    assert same_bits(out[kept], wanted[kept])
    assert same_bits(out[~kept], residual[~kept])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_backends_round_alike_everywhere(run, dtype):
    for law in Law:
        case = Case((65536,), dtype, p=0.3, law=law, values="every")
        np.testing.assert_array_equal(run(case), case.run("reference"))
