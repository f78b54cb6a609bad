"""The GPU's inner loops, compiled by Triton: ``lanes``, where neighbours draw apart, and ``rows``, where they share.

``lanes`` gives eight elements to each Philox block, as the layout in ``rng.py`` means it. A thread holds as many
neighbouring blocks as 16 bytes hold elements, so each of its eight loads and stores takes 16 bytes, and 16
neighbours make whole 32-byte sectors in every dtype. Its tensors are ``(blocks of a thread, threads)``: registers are
what Triton makes of the first dimension unasked, so what is drawn is where the data are, and nothing goes through
shared memory; and neighbouring threads are neighbours in memory. (With a third dimension Triton 3.6 and 3.7 disagree
which of two equal ones is the faster, and half-sector stores cost half of the bandwidth.) All loads are issued before
the first round of Philox: 128 bytes for each thread, and the residual's as many again.

``rows`` draws once for each row: channels, samples, rows that share a draw; or, as rows of one element, whatever is
too short or too scattered for tiles.

Halves are computed in float32. Products and sums must not be fused (``enable_fp_fusion=False``), so that every bit is
the same on every backend.
"""

import triton
import triton.language as tl

from droplab import rng
from droplab.kernels.job import ALPHA, Law

NUMBERS_OF_AXIS = 5
"""Of each outer axis, the fastest first: size, strides of x, out and residual, step of the element."""

_M0, _M1 = tl.constexpr(rng.MULTIPLIER_0), tl.constexpr(rng.MULTIPLIER_1)
_W0, _W1 = tl.constexpr(rng.WEYL_0), tl.constexpr(rng.WEYL_1)
_ROUNDS = tl.constexpr(rng.ROUNDS)
_TILE, _WIDTH, _LANES = tl.constexpr(rng.TILE), tl.constexpr(rng.WIDTH), tl.constexpr(rng.LANES)
_FULL = tl.constexpr(rng.FULL)
_PLAIN, _ALPHA = tl.constexpr(int(Law.PLAIN)), tl.constexpr(int(Law.ALPHA))
_ALPHA_VALUE, _ALPHA_SQUARE = tl.constexpr(ALPHA), tl.constexpr(ALPHA * ALPHA)
_OF_AXIS = tl.constexpr(NUMBERS_OF_AXIS)

NUMBERS = ("threshold", "k0", "k1", "step_number", "layer", "first", "a", "b", "c", "pieces", "count", "size")
"""Arguments whose values never make Triton compile again."""


@triton.jit
def _inside(i, size, lane: tl.constexpr, FROM_ZERO: tl.constexpr):
    position = i + lane * _WIDTH
    if FROM_ZERO:
        return position < size
    else:
        return (position >= 0) & (position < size)


INTERPRETED = not isinstance(_inside, triton.JITFunction)
"""Whether ``TRITON_INTERPRET=1`` was set. The interpreter truncates to bfloat16, so there bits are rounded instead."""
_INTERPRETED = tl.constexpr(INTERPRETED)


@triton.jit
def _wide(stored):
    if stored.dtype == tl.float64:
        return stored
    elif _INTERPRETED and stored.dtype == tl.bfloat16:
        return (stored.to(tl.uint16, bitcast=True).to(tl.uint32) << 16).to(tl.float32, bitcast=True)
    else:
        return stored.to(tl.float32)


@triton.jit
def _narrow(value, DTYPE: tl.constexpr):
    if _INTERPRETED and DTYPE == tl.bfloat16:
        bits = value.to(tl.uint32, bitcast=True).to(tl.uint64)
        rounded = bits + 0x7FFF + ((bits >> 16) & 1)
        quiet = (bits & 0x7FFFFFFF) > 0x7F800000
        return (tl.where(quiet, bits | 0x400000, rounded) >> 16).to(tl.uint16).to(tl.bfloat16, bitcast=True)
    else:
        return value.to(DTYPE)


@triton.jit
def _philox(block, sample, step, layer, k0, k1):
    """Four words of each block. A 64-bit product is one instruction and both of the halves that a round needs."""
    c0, c1, c2, c3 = block, sample, step, layer
    for _ in tl.static_range(_ROUNDS):
        product_0, product_1 = c0.to(tl.uint64) * _M0, c2.to(tl.uint64) * _M1
        c0 = (product_1 >> 32).to(tl.uint32) ^ c1 ^ k0.to(tl.uint32)
        c2 = (product_0 >> 32).to(tl.uint32) ^ c3 ^ k1.to(tl.uint32)
        c1, c3 = product_1.to(tl.uint32), product_0.to(tl.uint32)
        k0, k1 = k0 + _W0, k1 + _W1  # 64 bits, of which the lower half counts
    return c0, c1, c2, c3


@triton.jit
def _key(seed, step, k0, k1, step_number, layer):
    """Step and layer as 32 bits, the key's halves in 64; read from memory where they lie there."""
    at = tl.load(step) if step is not None else step_number
    if seed is not None:
        whole = tl.load(seed).to(tl.int64).to(tl.uint64, bitcast=True)
        low, high = whole & 0xFFFFFFFF, whole >> 32
    else:
        low, high = k0.to(tl.int64).to(tl.uint64, bitcast=True), k1.to(tl.int64).to(tl.uint64, bitcast=True)
    return at.to(tl.uint32), layer.to(tl.uint32), low, high


@triton.jit
def _law(p, threshold, a, b, c, DTYPE: tl.constexpr, LAW: tl.constexpr):
    """Threshold and coefficients: those given, or computed from ``p`` in memory as ``reference.coefficients`` does."""
    if p is not None:
        rate = tl.load(p).to(tl.float64)
        inside = tl.minimum(tl.maximum(tl.floor(rate * _FULL + 0.5), 1.0), _FULL - 1.0).to(tl.int32)
        limit = tl.where(rate <= 0, 0, tl.where(rate >= 1, _FULL, inside))
    else:
        limit = threshold
    if p is None and DTYPE != tl.float64:
        return limit.to(tl.uint32), a, b, c
    else:
        alive = (limit < _FULL).to(tl.float64)
        rest = tl.where(limit < _FULL, _FULL - limit, 1).to(tl.float64)
        none = tl.full((), 0.0, tl.float64)
        if LAW == _PLAIN:
            scale, shift, value = alive * _FULL / rest, none, none
        else:
            square, alpha = tl.full((), _ALPHA_SQUARE, tl.float64), tl.full((), _ALPHA_VALUE, tl.float64)
            share = limit.to(tl.float64) / _FULL
            scale = alive / tl.sqrt((square * share + 1.0) * (rest / _FULL))
            shift, value = none, none
            if LAW == _ALPHA:
                shift, value = alpha * scale * share, alpha * scale * (share - 1.0)
        if DTYPE != tl.float64:
            scale, shift, value = scale.to(tl.float32), shift.to(tl.float32), value.to(tl.float32)
        return limit.to(tl.uint32), scale, shift, value


@triton.jit
def _place(row, axes, AXES: tl.constexpr, BATCH: tl.constexpr, GRAIN: tl.constexpr):
    """Where rows begin in x, out and residual, their first element, and the place of their sample.

    Sizes and strides come divided by ``GRAIN``, so that the compiler sees what they are multiples of.
    """
    x0 = row.to(tl.int64) * 0
    o0, r0, element, place = x0, x0, x0, x0
    for axis in tl.static_range(AXES):
        if axis == AXES - 1:
            index = row.to(tl.int64)
        else:
            index = (row % axes[axis * _OF_AXIS]).to(tl.int64)
            row = row // axes[axis * _OF_AXIS]
        x0 += index * axes[axis * _OF_AXIS + 1]
        o0 += index * axes[axis * _OF_AXIS + 2]
        r0 += index * axes[axis * _OF_AXIS + 3]
        element += index * axes[axis * _OF_AXIS + 4]
        if axis == BATCH:
            place = index
    return x0 * GRAIN, o0 * GRAIN, r0 * GRAIN, element, place


@triton.jit
def _sample(samples, first, place, mask, COUNTED: tl.constexpr):
    """Ids of samples, 32 bits: counted from a first one (a number or in memory), or each in memory."""
    if samples is None:
        return (first + place).to(tl.uint32)
    elif COUNTED:
        return (tl.load(samples).to(tl.int64) + place).to(tl.uint32)
    else:
        return tl.load(samples + place, mask=mask, other=0).to(tl.uint32)


@triton.jit
def _load(pointer, stride, i, size, lane: tl.constexpr, FROM_ZERO: tl.constexpr):
    return tl.load(pointer + lane * _WIDTH * stride, mask=_inside(i, size, lane, FROM_ZERO))


@triton.jit
def _eight(pointer, stride, i, size, FROM_ZERO: tl.constexpr):
    """What is at a tile's eight lanes; all of it is asked for at once."""
    return (
        _load(pointer, stride, i, size, 0, FROM_ZERO),
        _load(pointer, stride, i, size, 1, FROM_ZERO),
        _load(pointer, stride, i, size, 2, FROM_ZERO),
        _load(pointer, stride, i, size, 3, FROM_ZERO),
        _load(pointer, stride, i, size, 4, FROM_ZERO),
        _load(pointer, stride, i, size, 5, FROM_ZERO),
        _load(pointer, stride, i, size, 6, FROM_ZERO),
        _load(pointer, stride, i, size, 7, FROM_ZERO),
    )


@triton.jit
def _outcome(stored, added, kept, a, b, c, HAS_RESIDUAL: tl.constexpr, LAW: tl.constexpr):
    value = _wide(stored) * a
    if LAW == _ALPHA:
        value = value + b
    if HAS_RESIDUAL:
        other = _wide(added)
        return tl.where(kept, value + other, other)
    else:
        return tl.where(kept, value, c)


@triton.jit
def _tiles(
    x, out, residual, xs, os, rs, i, size,
    block, sample, at, layer, low, high, limit, a, b, c,
    LAW: tl.constexpr, FROM_ZERO: tl.constexpr,
):  # fmt: skip
    """Load, draw, store: eight elements for each block, at and above the pointers given for lane 0."""
    stored = _eight(x, xs, i, size, FROM_ZERO)
    added = stored
    if residual is not None:
        added = _eight(residual, rs, i, size, FROM_ZERO)
    words = _philox(block, sample, at, layer, low, high)
    for lane in tl.static_range(_LANES):
        word = words[lane // 2]
        value = word >> 16 if lane % 2 else word & 0xFFFF
        result = _outcome(stored[lane], added[lane], value >= limit, a, b, c, residual is not None, LAW)
        narrow = _narrow(result, out.dtype.element_ty)
        tl.store(out + lane * _WIDTH * os, narrow, mask=_inside(i, size, lane, FROM_ZERO))


@triton.jit
def _points(
    x, out, residual, mask, element,
    sample, at, layer, low, high, limit, a, b, c, LAW: tl.constexpr,
):  # fmt: skip
    """Load, draw, store: a block for each of ``element``, which may be broadcast."""
    stored = tl.load(x, mask=mask)
    added = stored
    if residual is not None:
        added = tl.load(residual, mask=mask)
    block = (element // _TILE * _WIDTH + element % _WIDTH).to(tl.uint32)
    w0, w1, w2, w3 = _philox(block, sample, at, layer, low, high)
    lane = (element % _TILE // _WIDTH).to(tl.int32)
    word = tl.where(lane < 4, tl.where(lane < 2, w0, w1), tl.where(lane < 6, w2, w3))
    kept = tl.where(lane % 2 == 0, word & 0xFFFF, word >> 16) >= limit
    result = _outcome(stored, added, kept, a, b, c, residual is not None, LAW)
    tl.store(out, _narrow(result, out.dtype.element_ty), mask=mask)


@triton.jit
def _tail(
    x, out, residual, xs, os, rs, element, size,
    sample, at, layer, low, high, limit, a, b, c, LAW: tl.constexpr,
):  # fmt: skip
    """The last elements of a tensor whose size is no multiple of 16."""
    r_at = residual
    if residual is not None:
        r_at = residual + element * rs
    _points(
        x + element * xs, out + element * os, r_at, element < size, element,
        sample, at, layer, low, high, limit, a, b, c, LAW,
    )  # fmt: skip


@triton.jit(do_not_specialize=NUMBERS)
def lanes(
    x, out, residual, p, seed, step, samples,
    threshold, k0, k1, step_number, layer, first, a, b, c,
    axes, pieces, count, size, xs, os, rs,
    AXES: tl.constexpr, BATCH: tl.constexpr, COUNTED: tl.constexpr, LAW: tl.constexpr, GRAIN: tl.constexpr,
    FROM_ZERO: tl.constexpr, ROWS_FIRST: tl.constexpr, TAIL: tl.constexpr, WIDE: tl.constexpr, UNITS: tl.constexpr,
    VECTOR: tl.constexpr,
):  # fmt: skip
    """Units of work are tiles of rows: ``pieces`` in each of ``count`` rows, which have ``GRAIN * size`` elements.

    First come pointers, or None; then the same as numbers of 32 bits, and coefficients; then the geometry: ``axes``
    are the outer ones, the others describe the inner one; then

    - ``BATCH``: which outer axis is that of samples, or -1,
    - ``COUNTED``: samples are counted from the one in memory,
    - ``FROM_ZERO``: every row begins a tile,
    - ``ROWS_FIRST``: neighbouring units are neighbouring rows (which are neighbours in memory), not tiles,
    - ``TAIL``: one row, whose end is no multiple of 16; its last elements are done apart, so that the others can be
      taken 16 bytes at a time,
    - ``WIDE``: there are more units than 31 bits count,
    - ``UNITS``: of one program,
    - ``VECTOR``: neighbours in memory that a thread takes at a time.
    """
    size = size.to(tl.int64) * GRAIN
    at, layer, low, high = _key(seed, step, k0, k1, step_number, layer)
    limit, a, b, c = _law(p, threshold, a, b, c, x.dtype.element_ty, LAW)
    program = tl.program_id(0)
    near = tl.arange(0, VECTOR)[:, None]
    far = tl.arange(0, UNITS * _WIDTH // VECTOR)[None, :]
    if ROWS_FIRST:
        counted, w = near + VECTOR * (far % (UNITS // VECTOR)), far // (UNITS // VECTOR)
    else:
        counted, w = far // (_WIDTH // VECTOR), near + VECTOR * (far % (_WIDTH // VECTOR))
    if AXES == 0:
        sample = _sample(samples, first, tl.zeros((1, 1), tl.int64), None, True)
        whole = size // _WIDTH * _WIDTH if TAIL else size
        start = program.to(tl.int64) * (UNITS * _TILE)
        block = (start // _LANES).to(tl.uint32) + (counted * _WIDTH + w).to(tl.uint32)
        i = (counted * _TILE + w).to(tl.int64)
        x_at, o_at = x + start * xs + i * xs, out + start * os + i * os
        r_at = residual
        if residual is not None:
            r_at = residual + start * rs + i * rs
        _tiles(
            x_at, o_at, r_at, xs, os, rs, i, whole - start,
            block, sample, at, layer, low, high, limit, a, b, c, LAW, True,
        )  # fmt: skip
        if TAIL and program == tl.num_programs(0) - 1:
            _tail(
                x, out, residual, xs, os, rs, whole + tl.arange(0, _WIDTH)[None, :], size,
                sample, at, layer, low, high, limit, a, b, c, LAW,
            )  # fmt: skip
    else:
        unit = (program.to(tl.int64) if WIDE else program) * UNITS + counted
        if ROWS_FIRST:
            above, quick = unit // axes[0], unit % axes[0]
            row, tile = above // pieces * axes[0] + quick, above % pieces
            there = above < count // axes[0] * pieces  # alike for all neighbours
        else:
            row, tile = unit // pieces, unit % pieces
            there = row < count
        x0, o0, r0, element, place = _place(row, axes, AXES, BATCH, GRAIN)
        sample = _sample(samples, first, place, there, COUNTED)
        i = tile.to(tl.int64) * _TILE + w
        if not FROM_ZERO:
            i -= element % _TILE // GRAIN * GRAIN  # which is known to be a multiple
        block = ((tile + element // _TILE) * _WIDTH + w).to(tl.uint32)
        size = tl.where(there, size, 0)
        r_at = residual
        if residual is not None:
            r_at = residual + (r0 + i * rs)
        _tiles(
            x + (x0 + i * xs), out + (o0 + i * os), r_at, xs, os, rs, i, size,
            block, sample, at, layer, low, high, limit, a, b, c, LAW, FROM_ZERO,
        )  # fmt: skip


@triton.jit(do_not_specialize=NUMBERS)
def rows(
    x, out, residual, p, seed, step, samples,
    threshold, k0, k1, step_number, layer, first, a, b, c,
    axes, pieces, count, size, xs, os, rs,
    AXES: tl.constexpr, BATCH: tl.constexpr, COUNTED: tl.constexpr, LAW: tl.constexpr, GRAIN: tl.constexpr,
    WIDE: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Units of work are ``COLUMNS`` elements of rows: ``pieces`` in each of ``count`` rows of ``GRAIN * size``.

    The elements of a row share one draw. The arguments are those of ``lanes``.
    """
    size = size.to(tl.int64) * GRAIN
    at, layer, low, high = _key(seed, step, k0, k1, step_number, layer)
    limit, a, b, c = _law(p, threshold, a, b, c, x.dtype.element_ty, LAW)
    program = tl.program_id(0)
    row = (program // pieces).to(tl.int64) * ROWS if WIDE else program // pieces * ROWS
    row += tl.arange(0, ROWS)[:, None]
    i = (program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    x0, o0, r0, element, place = _place(row, axes, AXES, BATCH, GRAIN)
    mask = (row < count) & (i < size)
    sample = _sample(samples, first, place, row < count, COUNTED)
    r_at = residual
    if residual is not None:
        r_at = residual + (r0 + i * rs)
    _points(
        x + (x0 + i * xs), out + (o0 + i * os), r_at, mask, element,
        sample, at, layer, low, high, limit, a, b, c, LAW,
    )  # fmt: skip
