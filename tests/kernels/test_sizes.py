"""More than 2^31 elements, without the memory for them: pointers are moved back by as much as the kernel adds."""

from __future__ import annotations

import ctypes
from unittest import mock

import numpy as np
import pytest
import torch

from droplab import rng
from droplab.kernels import Job, apply, backend
from droplab.kernels.geometry import CONTIGUOUS, CROSSED, RUN, STRIDED, Axis, Walk, walk

SEED, STEP, LAYER = 2**40 + 1, 3, 4


def test_loops_over_huge_tensors_are_described_by_python_s_integers():
    shape, strides = (3, 2**33 + 1), (2**33 + 1, 1)
    assert walk(shape, (strides,) * 3, 0, ()).inner.size == 2**33 + 1
    assert walk(shape, (strides,) * 3, 0, ()).outer[0].strides == (2**33 + 1,) * 3
    assert walk(shape, (strides,) * 3, None, ()).inner.size == 3 * (2**33 + 1)


def run_numba(numbers: list[int], unit: int, back: int) -> torch.Tensor:
    """One unit of work of a loop over ones, into memory that lies ``back`` elements behind the pointers."""
    pytest.importorskip("numba")
    from droplab.kernels._numba import compile_walk

    x, out = torch.ones(8192), torch.full((8192,), torch.nan)
    description, samples = (ctypes.c_int64 * len(numbers))(*numbers), (ctypes.c_int64 * 1)(0)
    compile_walk("float32")(
        x.data_ptr() - 4 * back, out.data_ptr() - 4 * back, 0, ctypes.addressof(description),
        ctypes.addressof(samples), SEED, STEP, LAYER, 0, 32768, 0, 2.0, 0.0, 0.0, unit, unit + 1,
    )  # fmt: skip
    return out


def expected(first: int, count: int) -> np.ndarray:
    """From one element on, by the page."""
    return np.array([2.0 * (rng.value(SEED, LAYER, STEP, 0, first + i) >= 32768) for i in range(count)])


@pytest.mark.parametrize("first", [2**31, 2**32, 2**35, 2**35 - 4096])
def test_numba_draws_by_the_element_s_number_beyond_32_bits(first):
    """At 2^35 the block's 32 bits begin again, as the page says."""
    out = run_numba([CONTIGUOUS, 2**36, 1, 1, 1, 0], first // 4096, first)
    np.testing.assert_array_equal(out[:300].numpy(), expected(first, 300))
    assert not out[:4096].isnan().any()
    assert out[4096:].isnan().all()


@pytest.mark.parametrize(("kind", "step"), [(CONTIGUOUS, 1), (STRIDED, 3)])
def test_numba_steps_over_more_than_32_bits(kind, step):
    far, element = 2**34 + 8, 2**33 + 77
    out = run_numba([kind, 130, step, step, step, 1, 2, far, far, far, element, 0], 1, far)
    np.testing.assert_array_equal(out[: 130 * step : step].numpy(), expected(element, 130))
    assert out[130 * step :].isnan().all()


@pytest.mark.parametrize("element", [2**33 + 77, 2**33 + 128])
def test_numba_crosses_loops_whose_elements_are_far_apart(element):
    out = run_numba([CROSSED, 300, 2, 2, 2, 1, 2, 1, 1, 1, element, 0], 1, 2 * 256)
    for column, first in ((0, 256), (1, element + 256)):
        np.testing.assert_array_equal(out[column : 2 * 44 : 2].numpy(), expected(first, 44))
    assert out[2 * 44 :].isnan().all()


def by_triton(way: Walk, narrow: int, memory: int) -> np.ndarray:
    """The walk over ones, by Triton's interpreter; ``narrow`` units are the most that 32 bits may count."""
    from droplab.kernels import cuda

    x, out = torch.ones(memory), torch.full((memory,), torch.nan)
    with mock.patch.object(cuda, "_NARROW", narrow):
        grid = cuda.grid_of(way, 4)
    assert grid.options["WIDE"] is (narrow == 0)
    with backend("triton"), mock.patch.object(cuda, "_grid", return_value=grid):
        apply(x, out, Job(0.5, SEED, STEP, LAYER))
    return out.numpy()


FAR = [
    # size of the inner loop, its kind, step in memory; step of the outer loop in memory and in elements
    (130, CONTIGUOUS, 1, 150, 2**33 + 77),
    (20, CONTIGUOUS, 1, 150, 2**33 + 77),
    (70, STRIDED, 2, 150, 2**33 + 77),
    (70, CROSSED, 2, 1, 2**33 + 77),
    (70, CROSSED, 2, 1, 2**33 + 128),
    (150, RUN, 1, 150, 2**33 + 77),
]


@pytest.mark.parametrize("narrow", [0, 1 << 30])
def test_triton_steps_over_more_than_32_bits(interpret, narrow):
    """Elements' numbers, that is; steps in memory are 64 bits wide in the same lines of the kernel."""
    for size, kind, step, across, element in FAR:
        outer = (Axis(2, (across,) * 3, element, batch=False),)
        inner = Axis(size, (step,) * 3, int(kind != RUN), batch=False)
        out = interpret(by_triton, Walk(outer, inner, kind), narrow, 300)
        for row, first in ((0, 0), (1, element)):
            drawn = out[across * row :][: step * size : step]
            wanted = expected(first, 1 if kind == RUN else size)
            np.testing.assert_array_equal(drawn, np.broadcast_to(wanted, size))
