"""The CPU's kernel: descriptions and addresses for the loops of ``_numba.py``, shared out over threads.

Nothing of the tensor's size is allocated, whatever its strides.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from droplab import rng
from droplab.kernels import reference
from droplab.kernels._threads import share
from droplab.kernels.geometry import CROSSED, STRIDED, walk
from droplab.kernels.job import Job, Law

DTYPES = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.bfloat16: "bfloat16",
    torch.float16: "float16",
}
_WORTH_A_THREAD = 65_536
"""Elements below which waking another thread costs more than it saves."""
_FIRST = 0
"""Sample ids from 0 on."""
_NO_SAMPLES = (ctypes.c_int64 * 1)(0)
_NO_SAMPLES_AT = ctypes.addressof(_NO_SAMPLES)

_Description = tuple[ctypes.Array[ctypes.c_int64], int, int]

_loops: dict[torch.dtype, Callable[..., None]] = {}


def _loop(dtype: torch.dtype) -> Callable[..., None]:
    from droplab.kernels._numba import compile_walk

    found = _loops[dtype] = compile_walk(DTYPES[dtype])
    return found


@lru_cache(maxsize=512)
def _describe(
    shape: tuple[int, ...], strides: tuple[tuple[int, ...], ...], batch_dim: int | None, shared: tuple[int, ...]
) -> _Description:
    """The loops as numbers (see ``_numba.HEAD`` and ``AXIS``), their address, and units of work."""
    from droplab.kernels._numba import AXIS, COLUMNS, DEPTH, HEAD, PIECE, SCATTERED

    plan = walk(shape, strides, batch_dim, shared)
    x, residual, out = plan.inner.strides
    numbers = [plan.kind, plan.inner.size, x, out, residual, len(plan.outer)]
    for axis in plan.outer:
        x, residual, out = axis.strides
        numbers += [axis.size, x, out, residual, axis.element, int(axis.batch)]
    assert len(numbers) == HEAD + AXIS * len(plan.outer)
    stored = (ctypes.c_int64 * len(numbers))(*numbers)
    if plan.kind == CROSSED:
        quick = plan.outer[-1].size
        units = plan.rows // quick * -(-quick // COLUMNS) * -(-plan.inner.size // DEPTH)
    else:
        units = plan.rows * -(-plan.inner.size // (SCATTERED if plan.kind == STRIDED else PIECE))
    return stored, ctypes.addressof(stored), units


@lru_cache(maxsize=512)
def _describe_rows(rows: int, size: int, samples: bool) -> _Description:
    """The same for contiguous tensors without shared draws: ``rows`` of ``size`` elements."""
    shape, strides = ((rows, size), (size, 1)) if samples else ((size,), (1,))
    return _describe(shape, (strides,) * 3, 0 if samples else None, ())


@lru_cache(maxsize=512)
def _numbers(p: float, law: Law) -> tuple[int, int, float, float, float]:
    """Threshold, mode (see ``_numba._span``) and coefficients."""
    limit = rng.threshold(p)
    return limit, 2 if law is Law.ALPHA else 0, *law.coefficients(limit)


def apply(x: Tensor, out: Tensor, job: Job, residual: Tensor | None = None) -> None:
    """Write ``kept ? a x + b : c`` (plus ``residual``) into ``out``, which may be ``x`` itself.

    Args:
        x: float32, float64, bfloat16 or float16 on the CPU, any strides.
        out: of the same shape and dtype; ``x`` itself, or a tensor with memory of its own.
        job: the mask and its law.
        residual: of the same shape and dtype; only with the plain law.

    What holds no memory that could be read as it lies (views with the negative bit, tensors of zeros without memory,
    wrappers) goes to the reference.
    """
    p, seed, step, layer, samples, batch, shared, law = job
    count = x.numel()
    if count == 0:
        return
    limit, mode, a, b, c = _numbers(float(p), law)
    x_at, out_at = x.data_ptr(), out.data_ptr()
    added_at = 0 if residual is None else residual.data_ptr()
    odd = x.is_neg() or (residual is not None and residual.is_neg())
    if odd or not x_at or not out_at or not (added_at or residual is None):
        reference.apply(x, out, job, residual)
        return
    if limit == rng.FULL:  # no lane reaches it
        out.fill_(c) if residual is None else out.copy_(residual)
        return
    dense = x.is_contiguous() and out.is_contiguous() and (residual is None or residual.is_contiguous())
    if dense and not shared and not batch:  # none, or the first
        rows = 1 if batch is None else x.shape[0]
        description = _describe_rows(rows, count // rows, batch is not None)
    else:
        added = out if residual is None else residual
        description = _describe(tuple(x.shape), (x.stride(), added.stride(), out.stride()), batch, shared)
    if residual is not None:
        mode = 1
    ids, first, _alive = listed(samples) if samples is not _FIRST else (_NO_SAMPLES_AT, 0, None)
    _, described, units = description
    loop = _loops.get(x.dtype) or _loop(x.dtype)
    arguments = (
        x_at, out_at, added_at, described, ids,
        int(seed) & 0xFFFFFFFFFFFFFFFF, int(step) & 0xFFFFFFFF, layer, first, limit, mode, a, b, c,
    )  # fmt: skip
    if count < 2 * _WORTH_A_THREAD or units == 1:
        loop(*arguments, 0, units)
    else:
        threads = min(torch.get_num_threads(), units, count // _WORTH_A_THREAD)
        share(lambda start, stop: loop(*arguments, start, stop), units, threads)


def listed(samples: int | Tensor) -> tuple[int, int, object]:
    """Address of the ids (after a leading one, where there are any), the first id, and what must stay alive."""
    if not isinstance(samples, Tensor):
        return _NO_SAMPLES_AT, samples & 0xFFFFFFFF, None
    if samples.ndim == 0:
        return _NO_SAMPLES_AT, int(samples) & 0xFFFFFFFF, None
    ids = torch.ones(len(samples) + 1, dtype=torch.int64)
    ids[1:] = samples
    return ids.data_ptr(), 0, ids
