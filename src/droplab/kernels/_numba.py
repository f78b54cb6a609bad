"""The CPU's inner loops, compiled by Numba (LLVM: AVX-512, AVX2, NEON) and called by address, without the GIL.

One function for each dtype. bfloat16 comes as uint16 and float16 as int16, the same bits, and is computed in
float32. The state of Philox is kept in 64-bit lanes whose high halves may hold rubbish: multiplication takes the
low halves only, which is one instruction, and so no round has to mask.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import overload

from droplab import rng
from droplab.kernels._cache import compile_cached
from droplab.kernels._llvm import bits_to_float, float_to_bits, stack
from droplab.kernels.geometry import CROSSED, RUN, STRIDED

u16, u32, u64 = np.uint16, np.uint32, np.uint64
_M0, _M1 = u64(rng.MULTIPLIER_0), u64(rng.MULTIPLIER_1)
_W0, _W1 = u64(rng.WEYL_0), u64(rng.WEYL_1)
_LOW, _32, _16 = u64(0xFFFFFFFF), u64(32), u64(16)
_TILE, _WIDTH, _ROUNDS = rng.TILE, rng.WIDTH, rng.ROUNDS
_RUN, _STRIDED, _CROSSED = RUN, STRIDED, CROSSED

HEAD = 6
"""Numbers of a description before its outer axes: kind; size and strides of x, out and residual of the inner
loop; how many outer axes."""
AXIS = 6
"""Numbers of each outer axis: size, strides of x, out and residual, step of the element, 1 for samples."""
PIECE = 4096
"""Elements of an inner loop that are one unit of work."""
SCATTERED = 256
"""The same of a strided one: what it touches is still in the cache when the next row comes for its neighbours."""
COLUMNS, DEPTH = 64, 256
"""Of a crossed loop, a unit is so many neighbours in memory by so many elements of the inner loop."""


_stack_lanes = stack(ir.IntType(16), types.uint16, rng.TILE)
_stack_turned = stack(ir.IntType(16), types.uint16, COLUMNS * DEPTH)


def _wide(stored):  # pragma: no cover  # its overloads below are what runs
    raise NotImplementedError(stored)


def _narrow(value, like):  # pragma: no cover
    raise NotImplementedError(value, like)


@njit(nogil=True, forceinline=True)
def _from_bfloat16(bits):
    return bits_to_float(u32(u32(bits) << u32(16)))


@njit(nogil=True, forceinline=True)
def _to_bfloat16(value):
    """Round to nearest, ties to even; NaN stays NaN."""
    bits = float_to_bits(value)
    rounded = u32(bits + u32(0x7FFF) + ((bits >> u32(16)) & u32(1)))
    quiet = (bits & u32(0x7FFFFFFF)) > u32(0x7F800000)
    return u16((u32(bits | u32(0x400000)) if quiet else rounded) >> u32(16))


@njit(nogil=True, forceinline=True)
def _from_float16(stored):
    """Exponents are moved by a multiplication, which is right for subnormals too."""
    half = u32(u16(stored))
    body = u32((half & u32(0x7FFF)) << u32(13))
    special = (half & u32(0x7C00)) == u32(0x7C00)
    moved = float_to_bits(bits_to_float(body) * np.float32(5.192296858534828e33))  # 2^112
    bits = u32(body | u32(0x7F800000)) if special else moved
    return bits_to_float(u32(bits | u32((half & u32(0x8000)) << u32(16))))


@njit(nogil=True, forceinline=True)
def _to_float16(value):
    """Round to nearest, ties to even: normal, subnormal (by adding 1/2), infinite and NaN."""
    bits = float_to_bits(value)
    sign = u32((bits >> u32(16)) & u32(0x8000))
    size = u32(bits & u32(0x7FFFFFFF))
    normal = u32((size + u32(0xC8000FFF) + ((size >> u32(13)) & u32(1))) >> u32(13))
    small = u32(float_to_bits(bits_to_float(size) + np.float32(0.5)) - u32(0x3F000000))
    found = small if size < u32(0x38800000) else normal
    found = u32(0x7C00) if size >= u32(0x477FF000) else found
    found = u32(0x7E00) if size > u32(0x7F800000) else found
    return np.int16(u16(found | sign))


@overload(_wide, inline="always")
def _wide_overload(stored):
    if stored == types.uint16:
        return lambda stored: _from_bfloat16(stored)
    if stored == types.int16:
        return lambda stored: _from_float16(stored)
    return lambda stored: stored


@overload(_narrow, inline="always")
def _narrow_overload(value, like):
    if like == types.uint16:
        return lambda value, like: _to_bfloat16(value)
    if like == types.int16:
        return lambda value, like: _to_float16(value)
    return lambda value, like: value


@njit(nogil=True, forceinline=True)
def _philox(c0, sample, step, layer, k0, k1):
    c1, c2, c3 = sample, step, layer
    for _ in range(_ROUNDS):
        product_0, product_1 = _M0 * (c0 & _LOW), _M1 * (c2 & _LOW)
        c0, c2 = (product_1 >> _32) ^ c1 ^ k0, (product_0 >> _32) ^ c3 ^ k1
        c1, c3 = product_1 & _LOW, product_0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@njit(nogil=True, forceinline=True)
def _fill(lanes, tile, sample, step, layer, k0, k1):
    """The 128 lanes of a tile."""
    first = u64(tile) * u64(_WIDTH)
    for w in range(_WIDTH):
        c0, c1, c2, c3 = _philox((first + u64(w)) & _LOW, sample, step, layer, k0, k1)
        lanes[w], lanes[16 + w] = u16(c0), u16(c0 >> _16)
        lanes[32 + w], lanes[48 + w] = u16(c1), u16(c1 >> _16)
        lanes[64 + w], lanes[80 + w] = u16(c2), u16(c2 >> _16)
        lanes[96 + w], lanes[112 + w] = u16(c3), u16(c3 >> _16)


@njit(nogil=True, forceinline=True)
def _one(element, sample, step, layer, k0, k1):
    """The lane of one element."""
    block = u64(element // _TILE * _WIDTH + element % _WIDTH)
    c0, c1, c2, c3 = _philox(block & _LOW, sample, step, layer, k0, k1)
    lane = element % _TILE // _WIDTH
    word = c0 if lane < 2 else c1 if lane < 4 else c2 if lane < 6 else c3
    return u16(word >> _16) if lane % 2 else u16(word)


@njit(nogil=True, forceinline=True)
def _span(
    x, x0, xs, out, o0, os, residual, r0, rs,
    lanes, first, count, limit, mode, a, b, c,
):  # fmt: skip
    """``count`` units from lane ``first`` on; mode 0 plain, 1 plain plus residual, 2 affine."""
    zero = a - a
    if mode == 0:
        for i in range(count):
            stored = x[x0 + i * xs]
            out[o0 + i * os] = _narrow(_wide(stored) * a if lanes[first + i] >= limit else zero, stored)
    elif mode == 1:
        for i in range(count):
            stored, added = x[x0 + i * xs], _wide(residual[r0 + i * rs])
            out[o0 + i * os] = _narrow(_wide(stored) * a + added if lanes[first + i] >= limit else added, stored)
    else:
        for i in range(count):
            stored = x[x0 + i * xs]
            out[o0 + i * os] = _narrow(_wide(stored) * a + b if lanes[first + i] >= limit else c, stored)


@njit(nogil=True, forceinline=True)
def _run(
    x, x0, xs, out, o0, os, residual, r0, rs,
    count, kept, mode, a, b, c,
):  # fmt: skip
    """``count`` units that share one draw."""
    zero = a - a
    if mode == 1:
        for i in range(count):
            stored, added = x[x0 + i * xs], _wide(residual[r0 + i * rs])
            out[o0 + i * os] = _narrow(_wide(stored) * a + added if kept else added, stored)
    elif kept:
        for i in range(count):
            stored = x[x0 + i * xs]
            value = _wide(stored) * a
            out[o0 + i * os] = _narrow(value + b if mode == 2 else value, stored)
    else:
        dropped = c if mode == 2 else zero
        for i in range(count):
            out[o0 + i * os] = _narrow(dropped, x[x0 + i * xs])


@njit(nogil=True, forceinline=True)
def _place(description, axes, row):
    """Where a row begins in x, out and residual, its first element, and the place of its sample."""
    x0, o0, r0, element, place = 0, 0, 0, 0, 0
    for turn in range(axes):
        at = HEAD + AXIS * (axes - 1 - turn)
        index = row
        if turn < axes - 1:
            row = index // description[at]
            index -= row * description[at]
        x0 += index * description[at + 1]
        o0 += index * description[at + 2]
        r0 += index * description[at + 3]
        element += index * description[at + 4]
        place += index * description[at + 5]
    return x0, o0, r0, element, place


@njit(nogil=True, forceinline=True)
def _sample(samples, first_sample, place):
    """32 bits, listed or counted."""
    return (u64(samples[1 + place]) if samples[0] != 0 else first_sample + u64(place)) & _LOW


@njit(nogil=True, forceinline=True)
def _walk_rows(
    x, out, residual, description, samples, k0, k1, step, layer,
    first_sample, limit, mode, a, b, c, start, stop,
):  # fmt: skip
    """Units are pieces of rows."""
    kind, size = description[0], description[1]
    xs, os, rs = description[2], description[3], description[4]
    axes = description[5]
    lanes = _stack_lanes()
    drawn, drawn_for = -1, u64(0)  # which tile's lanes these are, of which sample
    near = axes > 0 and description[HEAD + AXIS * (axes - 1) + 4] == 1  # rows that are neighbours in the mask
    length = SCATTERED if kind == _STRIDED else PIECE
    pieces = (size + length - 1) // length
    rows = 1
    for axis in range(axes):
        rows *= description[HEAD + AXIS * axis]
    one = xs == 1 and os == 1 and (rs == 1 or mode != 1)
    for unit in range(start, stop):
        row, piece = unit, 0
        if kind == _STRIDED:
            row, piece = unit % rows, unit // rows
        elif pieces > 1:
            row, piece = unit // pieces, unit % pieces
        x0, o0, r0, element, place = _place(description, axes, row)
        sample = _sample(samples, first_sample, place)
        low = piece * length
        high = min(size, low + length)
        if kind != _RUN:
            i = low
            while i < high:
                first = (element + i) % _TILE
                count = min(_TILE - first, high - i)
                _fill(lanes, (element + i) // _TILE, sample, step, layer, k0, k1)
                if one and count == _TILE:
                    _span(x, x0 + i, 1, out, o0 + i, 1, residual, r0 + i, 1, lanes, 0, 128, limit, mode, a, b, c)
                elif one:
                    _span(x, x0 + i, 1, out, o0 + i, 1, residual, r0 + i, 1, lanes, first, count, limit, mode, a, b, c)
                else:
                    _span(
                        x, x0 + i * xs, xs, out, o0 + i * os, os, residual, r0 + i * rs, rs,
                        lanes, first, count, limit, mode, a, b, c,
                    )  # fmt: skip
                i += count
        else:
            if near:
                if element // _TILE != drawn or sample != drawn_for:
                    drawn, drawn_for = element // _TILE, sample
                    _fill(lanes, drawn, sample, step, layer, k0, k1)
                kept = lanes[element % _TILE] >= limit
            else:
                kept = _one(element, sample, step, layer, k0, k1) >= limit
            if one:
                _run(x, x0 + low, 1, out, o0 + low, 1, residual, r0 + low, 1, high - low, kept, mode, a, b, c)
            else:
                _run(
                    x, x0 + low * xs, xs, out, o0 + low * os, os, residual, r0 + low * rs, rs,
                    high - low, kept, mode, a, b, c,
                )  # fmt: skip


@njit(nogil=True, forceinline=True)
def _walk_crossed(
    x, out, residual, description, samples, k0, k1, step, layer,
    first_sample, limit, mode, a, b, c, start, stop,
):  # fmt: skip
    """Units are ``COLUMNS`` neighbours in memory by ``DEPTH`` elements, drawn along these and used along those."""
    size, xs, os, rs = description[1], description[2], description[3], description[4]
    axes = description[5] - 1
    at = HEAD + AXIS * axes
    columns, xq, oq, rq = description[at], description[at + 1], description[at + 2], description[at + 3]
    step_of_element, step_of_place = description[at + 4], description[at + 5]
    lanes, turned = _stack_lanes(), _stack_turned()
    blocks, depths = (columns + COLUMNS - 1) // COLUMNS, (size + DEPTH - 1) // DEPTH
    one = xq == 1 and oq == 1 and (rq == 1 or mode != 1)
    for unit in range(start, stop):
        rest, column = unit // blocks, unit % blocks * COLUMNS
        low = rest % depths * DEPTH
        x0, o0, r0, element, place = _place(description, axes, rest // depths)
        width, height = min(COLUMNS, columns - column), min(DEPTH, size - low)
        for q in range(width):
            own = element + (column + q) * step_of_element + low
            sample = _sample(samples, first_sample, place + (column + q) * step_of_place)
            i = 0
            while i < height:
                first = (own + i) % _TILE
                count = min(_TILE - first, height - i)
                _fill(lanes, (own + i) // _TILE, sample, step, layer, k0, k1)
                for k in range(count):
                    turned[(i + k) * COLUMNS + q] = lanes[first + k]
                i += count
        x0 += low * xs + column * xq
        o0 += low * os + column * oq
        r0 += low * rs + column * rq
        for i in range(height):
            if one:
                _span(
                    x, x0 + i * xs, 1, out, o0 + i * os, 1, residual, r0 + i * rs, 1,
                    turned, i * COLUMNS, width, limit, mode, a, b, c,
                )  # fmt: skip
            else:
                _span(
                    x, x0 + i * xs, xq, out, o0 + i * os, oq, residual, r0 + i * rs, rq,
                    turned, i * COLUMNS, width, limit, mode, a, b, c,
                )  # fmt: skip


def _walk(
    x, out, residual, description, samples, seed, step, layer,
    first_sample, limit, mode, a, b, c, start, stop,
):  # fmt: skip
    """Units of work ``start`` to ``stop``; ``description`` is laid out as ``HEAD`` and ``AXIS`` say."""
    k0, k1 = seed & _LOW, seed >> _32
    if description[0] == _CROSSED:
        _walk_crossed(
            x, out, residual, description, samples, k0, k1, step, layer,
            first_sample, limit, mode, a, b, c, start, stop,
        )  # fmt: skip
    else:
        _walk_rows(
            x, out, residual, description, samples, k0, k1, step, layer,
            first_sample, limit, mode, a, b, c, start, stop,
        )  # fmt: skip


_STORED = {"float32": types.float32, "float64": types.float64, "bfloat16": types.uint16, "float16": types.int16}

_C = ctypes
_ARGUMENTS = (
    *[_C.c_void_p] * 5, _C.c_uint64, _C.c_uint64, _C.c_uint64, _C.c_uint64, _C.c_uint16, _C.c_int64,
)  # fmt: skip


def compile_walk(dtype: str) -> Callable[..., None]:
    """The compiled loop of a dtype (``float32``, ``float64``, ``bfloat16``, ``float16``), from the cache where it is.

    Called with the addresses of x, out, residual, description and samples; seed, step, layer and first sample;
    limit, mode, a, b, c, and the units of work.
    """
    stored = _STORED[dtype]
    wide, c_wide = (types.float64, _C.c_double) if dtype == "float64" else (types.float32, _C.c_float)
    pointer, numbers = types.CPointer(stored), types.CPointer(types.int64)
    signature = types.void(
        pointer, pointer, pointer, numbers, numbers, *[types.uint64] * 4, types.uint16, types.int64,
        *[wide] * 3, types.int64, types.int64,
    )  # fmt: skip
    compiled = compile_cached(_walk, signature)
    call = ctypes.CFUNCTYPE(None, *_ARGUMENTS, *[c_wide] * 3, _C.c_int64, _C.c_int64)(compiled.address)
    call.compiled = compiled  # type: ignore[attr-defined]  # the code lives as long as this
    return call
