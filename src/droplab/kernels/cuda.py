"""The GPU's kernel: for each job one launch of a loop of ``_triton.py``, and no memory besides.

``p``, ``seed``, ``step`` and ``samples`` that are tensors on the GPU are read there by the kernel: no
synchronisation, and the replay of a CUDA graph sees their new values. New values never compile again.

Triton looks at every argument of every launch to see whether a compiled kernel suits, which takes three times as long
as the launch. What it looks at is known here: the grid, and the ``_sort`` of the tensors; so compiled kernels are kept
with the grid and started themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import gcd, prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from droplab import rng
from droplab.errors import BackendError
from droplab.kernels import _triton
from droplab.kernels.geometry import CROSSED, RUN, Axis, Walk, walk
from droplab.kernels.job import Job, Law

_WARPS = 4
_THREADS = 32 * _WARPS
_LEAST = 16
"""Elements of each thread, at least. Where 16 bytes are taken at a time it is eight times what they hold."""
_SHORT = 32
"""Elements below which an inner loop is not worth a tile of 128; its elements become rows of their own."""
_MOST_ROWS = 1024
"""Rows of one program: eight draws for each thread."""
_COMPILER = {"num_warps": _WARPS, "enable_fp_fusion": False}
_POINTERS = 7
"""Of a kernel's arguments, the first are tensors or None."""
_NARROW = 1 << 30
"""Units of work up to which 32 bits are enough to count them."""


class Grid(NamedTuple):
    """Which kernel runs, in how many programs, with which arguments."""

    kernel: Any
    programs: int
    geometry: tuple[Any, ...]
    """``axes, pieces, count, size, xs, os, rs``."""
    options: dict[str, Any]
    compiled: dict[Any, tuple[Any, tuple[Any, ...]]]
    """Kernels that Triton has compiled for this grid, by the sort of their tensors, with the constants they take."""


@lru_cache(maxsize=512)
def _grid(
    shape: tuple[int, ...],
    strides: tuple[tuple[int, ...], ...],
    batch_dim: int | None,
    shared: tuple[int, ...],
    itemsize: int,
) -> Grid:
    return grid_of(walk(shape, strides, batch_dim, shared), itemsize)


def grid_of(way: Walk, itemsize: int) -> Grid:
    """The grid that carries out a walk over ``(x, residual, out)``."""
    inner, outer = way.inner, way.outer
    whole = all(axis.element % rng.TILE == 0 for axis in outer)  # every row begins a tile
    if way.kind == RUN:
        return _rows(outer, inner, itemsize)
    if outer and (inner.size < _SHORT or (way.kind == CROSSED and not whole)):
        points = sorted((*outer, inner), key=lambda axis: axis.strides[-1], reverse=True)
        return _rows(points, Axis(1, (1, 1, 1), 0, batch=False), itemsize)
    return _lanes(outer, inner, itemsize, crossed=way.kind == CROSSED)


def _lanes(outer: Sequence[Axis], inner: Axis, itemsize: int, *, crossed: bool) -> Grid:
    """Tiles of 128. A row that begins within a tile of the mask may touch one tile more."""
    one = all(stride == 1 for stride in inner.strides)
    grain = gcd(16, inner.size, *(n for axis in outer for n in (*axis.strides, axis.element))) if one else 1
    begins = gcd(rng.TILE, *(axis.element for axis in outer))
    tiles = -(-(inner.size + rng.TILE - begins) // rng.TILE)
    rows = _count(outer)
    vector = 16 // itemsize if crossed or (one and not outer) else min(16 // itemsize, grain)
    units = _THREADS * max(8 * vector, _LEAST) // rng.TILE
    geometry, options = _described(outer, inner, grain, (tiles, rows), turned=crossed)
    options |= {
        "FROM_ZERO": begins == rng.TILE,
        "ROWS_FIRST": crossed,
        "TAIL": not outer and grain < 16,
        "WIDE": tiles * rows > _NARROW,
        "UNITS": units,
        "VECTOR": vector,
    }
    return Grid(_triton.lanes, -(-tiles * rows // units), geometry, options, {})


def _rows(outer: Sequence[Axis], inner: Axis, itemsize: int) -> Grid:
    """Pieces of rows that share one draw."""
    one = all(stride == 1 for stride in inner.strides)
    grain = gcd(16, inner.size, *(n for axis in outer for n in axis.strides)) if one else 1
    elements = _THREADS * max(8 * min(16 // itemsize, grain), _LEAST)
    columns = min(1 << (inner.size - 1).bit_length(), elements)
    rows = min(elements // columns, _MOST_ROWS)
    pieces, count = -(-inner.size // columns), _count(outer)
    geometry, options = _described(outer, inner, grain, (pieces, count))
    options |= {"WIDE": count > _NARROW, "ROWS": rows, "COLUMNS": columns}
    return Grid(_triton.rows, pieces * -(-count // rows), geometry, options, {})


def _count(outer: Sequence[Axis]) -> int:
    return prod(axis.size for axis in outer)


def _described(
    outer: Sequence[Axis], inner: Axis, grain: int, units: tuple[int, int], *, turned: bool = False
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Loops as the kernels' arguments. The slowest loop is told no end but the count of units, as batches vary."""
    x, residual, out = inner.strides
    axes: list[int] = []
    for axis in reversed(outer):
        axes.append(axis.size if turned or axis is not outer[0] else 1)
        axes += [axis.strides[place] // grain for place in (0, 2, 1)]
        axes.append(axis.element)
    batch = next((place for place, axis in enumerate(reversed(outer)) if axis.batch), -1)
    options = {"AXES": len(outer), "BATCH": batch, "GRAIN": grain}
    return (tuple(axes), *units, inner.size // grain, x, out, residual), options


def _signed(number: int) -> int:
    """The same 32 bits, signed: Triton gives numbers the type that their value needs."""
    number &= 0xFFFFFFFF
    return number - (number >> 31 << 32)


def _lies(value: float | Tensor, device: int) -> bool:
    """Whether a value is a tensor that the kernel reads where it is."""
    return isinstance(value, Tensor) and value.get_device() == device


def _number(value: float | Tensor) -> float:
    """A value that is handed over as a number."""
    return value.item() if isinstance(value, Tensor) else value


def _ids(samples: int | Tensor, x: Tensor) -> tuple[Tensor | None, int]:
    """Sample ids where the kernel reads them, or the first as a number."""
    if not isinstance(samples, Tensor):
        return None, samples
    if samples.ndim > 0:
        return samples.to(x.device).contiguous(), 0
    return (samples, 0) if _lies(samples, x.get_device()) else (None, int(samples))


@lru_cache(maxsize=512)
def _rate(p: float, law: Law) -> tuple[int, float, float, float]:
    """Threshold and coefficients."""
    limit = rng.threshold(p)
    return limit, *law.coefficients(limit)


def apply(x: Tensor, out: Tensor, job: Job, residual: Tensor | None = None) -> None:
    """Write ``kept ? a x + b : c`` (plus ``residual``) into ``out``, which may be ``x`` itself.

    Args:
        x: float32, float64, bfloat16 or float16 on a GPU, any strides.
        out: of the same shape and dtype, without overlaps in memory.
        job: the mask and its law.
        residual: of the same shape and dtype; only with the plain law.

    Raises:
        BackendError: ``x`` is on the CPU and Triton is not interpreted.
    """
    if x.device.type == "cpu" and not _triton.INTERPRETED:
        raise BackendError(
            "backend 'triton' was forced for a tensor on cpu; there it works under TRITON_INTERPRET=1 only, "
            "set before Python starts. Use 'numba', or let droplab choose."
        )
    if x.numel() == 0:
        return
    if x.is_cuda and x.get_device() != torch.cuda.current_device():
        with torch.cuda.device(x.device):
            _start(*launch(x, out, job, residual))
    else:
        _start(*launch(x, out, job, residual))


def _start(chosen: Grid, counted: bool, law: Law, arguments: tuple[Any, ...]) -> None:
    """Start a kernel on the current device; the first of its sort through Triton, which compiles it."""
    sort = (counted, law, *map(_sort, arguments[:_POINTERS]))
    ready = chosen.compiled.get(sort)
    if ready is not None:
        kernel, constants = ready
        kernel[chosen.programs, 1, 1](*arguments, *constants)
        return
    options = constants_of(chosen, counted=counted, law=law)
    kernel = chosen.kernel[(chosen.programs,)](*arguments, **options, **_COMPILER)
    if kernel is not None:  # the interpreter has none
        chosen.compiled[sort] = kernel, tuple(options.values())


def _sort(pointer: Tensor | None) -> tuple[torch.dtype, int, bool] | None:
    """What Triton compiles apart: another type, device or alignment, or none at all."""
    return None if pointer is None else (pointer.dtype, pointer.get_device(), pointer.data_ptr() % 16 == 0)


def constants_of(chosen: Grid, *, counted: bool, law: Law) -> dict[str, Any]:
    """The kernel's compile-time arguments in the order of its signature."""
    known = {"COUNTED": counted, "LAW": int(law), **chosen.options}
    return {name: known[name] for name in chosen.kernel.arg_names if name in known}


def launch(x: Tensor, out: Tensor, job: Job, residual: Tensor | None) -> tuple[Grid, bool, Law, tuple[Any, ...]]:
    """The grid, whether samples are counted, the law, and the arguments of the kernel that are no constants."""
    p, seed, step, layer, samples, batch, shared, law = job
    written = out.stride()
    strides = (x.stride(), written if residual is None else residual.stride(), written)
    chosen = _grid(tuple(x.shape), strides, batch, shared, x.element_size())
    device = x.get_device()
    p_at, p = (p, 0.0) if _lies(p, device) else (None, _number(p))
    seed_at, key = (seed, 0) if _lies(seed, device) else (None, int(_number(seed)))
    step_at, step = (step, 0) if _lies(step, device) else (None, int(_number(step)))
    samples_at, first = _ids(samples, x)
    counted = samples_at is None or samples_at.ndim == 0 or chosen.options["BATCH"] < 0
    limit, *coefficients = _rate(p, law)
    return chosen, counted, law, (
        x, out, residual, p_at, seed_at, step_at, samples_at,
        limit, _signed(key), _signed(key >> 32), _signed(step), _signed(layer), _signed(first), *coefficients,
        *chosen.geometry,
    )  # fmt: skip
