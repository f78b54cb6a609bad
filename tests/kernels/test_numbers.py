"""The CPU's kernel of uniform and normal numbers against torch's operations: any shape, samples, sharing, threads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch.func import vmap

from droplab.errors import BackendError, KeyingError
from droplab.functional import Key
from droplab.kernels import Job, backend, numbers
from droplab.masks.noise import normal, uniform
from tests.kernels.cases import Case, cases

CPU = torch.device("cpu")
EXACT = {"rtol": 0.0, "atol": 0.0}
ROUNDED = {torch.float64: {"rtol": 4e-15, "atol": 4e-15}, torch.float32: {"rtol": 6e-8, "atol": 4e-15}}
"""float64: errors of a few units in the last place; float32: these may tip a rounding."""


def fill(name: str, case: Case, dtype: torch.dtype, normal: bool) -> torch.Tensor:
    with backend(name):
        return numbers.fill(case.shape, case.job("cpu"), CPU, dtype, normal=normal)


@pytest.fixture(autouse=True)
def _numba():
    pytest.importorskip("numba", reason="Numba is not installed here")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@settings(deadline=None, max_examples=60)
@given(case=cases())
def test_any_shape_and_key(case, dtype):
    for gaussian, tolerance in ((False, EXACT), (True, ROUNDED[dtype])):
        found, wanted = (fill(name, case, dtype, gaussian) for name in ("numba", "reference"))
        assert found.shape == wanted.shape
        torch.testing.assert_close(found, wanted, **tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_million_normals(dtype):
    job = Job(0.0, 2**60 + 1, 2, 3)
    with backend("numba"):
        found = numbers.fill((1_000_003,), job, CPU, dtype, normal=True)
    with backend("reference"):
        wanted = numbers.fill((1_000_003,), job, CPU, dtype, normal=True)
    torch.testing.assert_close(found, wanted, **ROUNDED[dtype])
    if dtype == torch.float32:
        assert (found != wanted).sum() <= 1


WORDS = torch.tensor(
    [0, 1, 2, 0x1FFFFFFF, 0x20000000, 0x20000001, 0x5FFFFFFF, 0x60000000, 0x7FFFFFFF, 0x80000000, 0x9FFFFFFF,
     0xA0000000, 0xB504F333, 0xB504F334, 0xDFFFFFFF, 0xE0000000, 0xFFFFFFFE, 0xFFFFFFFF],
)  # fmt: skip


def test_where_logarithm_and_circle_change_their_branch():
    """Words at the ends, at √½ and at odd eighths of a turn."""
    from numba import njit

    from droplab.kernels._numba_wide import _log, _turn, _uniform

    logarithm = njit(lambda word: _log(_uniform(word)))
    u = (WORDS.double() + 0.5) / 2**32
    found = [logarithm(np.uint32(word)) for word in WORDS]
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), u.log(), rtol=4e-16, atol=0)
    turns = torch.tensor([_turn(np.uint32(word)) for word in WORDS], dtype=torch.float64)
    angle = 2 * torch.pi * u
    torch.testing.assert_close(turns, torch.stack([angle.cos(), angle.sin()], 1), rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("batch_dim", [None, 0, 2])
def test_threads_change_nothing(batch_dim):
    job = Job(0.0, 1, batch_dim=batch_dim, samples=4)
    before, found = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            with backend("numba"):
                found.append(numbers.fill((5, 7000, 3), job, CPU, torch.float32, normal=True))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_errors_say_what_is_wanted():
    with backend("numba"), pytest.raises(BackendError, match="forced for a tensor on meta; it works on the CPU only"):
        numbers.fill((3,), Job(0.0, 1), torch.device("meta"), torch.float32, normal=False)
    with pytest.raises(KeyingError, match=r"shape \(2,\).*one id for each: \(3,\)"):
        uniform(torch.empty(3, 4), key=Key(1, 2, samples=torch.tensor([4, 5])))


def test_members_of_vmap_have_numbers_of_their_own_where_asked_for():
    x = torch.zeros(3, 2, 50)
    levels = {
        ("different", "different"): 6,
        ("different", "same"): 3,
        ("same", "different"): 2,
        ("same", "same"): 1,
    }
    for (outer, inner), wanted in levels.items():
        found = vmap(vmap(lambda v: v + normal(v), randomness=inner), randomness=outer)(x)
        assert len(found.flatten(0, 1).unique(dim=0)) == wanted
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(lambda v: v + normal(v))(x)
    keyed = vmap(lambda v: v + normal(v, key=Key(1, 2, batch_dim=None)))(x)
    assert torch.equal(keyed, normal(x[0], key=Key(1, 2, batch_dim=None)).expand(3, 2, 50))
