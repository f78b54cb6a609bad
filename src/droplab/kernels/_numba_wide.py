"""32 bits for each element on the CPU, as uniform or normal numbers: an inner loop that Numba compiles to vectors.

``wide.py`` is the readable version. Logarithm, sine and cosine are polynomials in float64 with an error below two
units in the last place, in place of a library's, which is called for one number at a time. No operation is fused or
reordered, so every CPU computes the same bits.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import njit, types

from droplab import rng
from droplab.kernels._cache import compile_cached
from droplab.kernels._llvm import bits_to_double, double_to_bits, stack
from droplab.kernels._numba import _philox, _sample

u32, u64, f64 = np.uint32, np.uint64, np.float64
_LOW, _32, _52 = u64(0xFFFFFFFF), u64(32), u64(52)
_WIDTH, _TILE = rng.WIDTH, rng.WIDE_TILE
PIECE = 4096
"""Elements of a sample that are one unit of work."""

_SHIFT = u64(0x4330000000000000)
"""Bits of 2^52, whose last bit counts ones: an integer put into them is 2^52 more than itself."""
_ROOT = u64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
"""From the bits of √½ to those of 1."""
_ONE = u64(1023)
_LN2_HIGH, _LN2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")
_L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8, _L9, _L10 = (2.0 / (2 * k + 1) for k in range(1, 11))
"""Of ln((1 + s) / (1 - s)) = 2s + s (2/3 s² + 2/5 s⁴ + …)."""
_S0, _S1, _S2, _S3, _S4, _S5, _S6, _S7, _S8 = (
    (-1) ** k * (2 * math.pi) ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(9)
)
_C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = (
    (-1) ** k * (2 * math.pi) ** (2 * k) / math.factorial(2 * k) for k in range(1, 9)
)
"""Of sin 2πr and cos 2πr, |r| ≤ 1/8."""


_stack_words = stack(ir.IntType(32), types.uint32, rng.WIDE_TILE)
_stack_numbers = stack(ir.DoubleType(), types.float64, rng.WIDE_TILE)


@njit(nogil=True, forceinline=True)
def _exact(integer):
    """An integer below 2^52 as a float64, without the conversion that only some CPUs have for vectors."""
    return bits_to_double(_SHIFT | u64(integer)) - 4503599627370496.0


@njit(nogil=True, forceinline=True)
def _uniform(word):
    """In (0, 1); exact."""
    return (_exact(word) + 0.5) * 2.3283064365386963e-10


@njit(nogil=True, forceinline=True, error_model="numpy")  # no branch for a division by zero
def _log(value):
    """Natural logarithm of a normal positive number: mantissa in [√½, √2), then the series of the area tangent."""
    bits = double_to_bits(value)
    biased = (bits + _ROOT) >> _52
    mantissa = bits_to_double(bits - ((biased - _ONE) << _52))
    exponent = _exact(biased) - 1023.0
    f = mantissa - 1.0
    s = f / (f + 2.0)
    z = s * s
    series = (
        (((((((_L10 * z + _L9) * z + _L8) * z + _L7) * z + _L6) * z + _L5) * z + _L4) * z + _L3) * z + _L2
    ) * z + _L1
    half = 0.5 * f * f  # ln(1 + f) = f - (f²/2 - s (f²/2 + series z))
    return exponent * _LN2_HIGH - ((half - (s * (half + series * z) + exponent * _LN2_LOW)) - f)


@njit(nogil=True, forceinline=True)
def _turn(word):
    """Cosine and sine of 2π times a word's uniform number."""
    quarter = (u64(word) + u64(0x20000000)) >> u64(30)
    r = _uniform(word) - _exact(quarter) * 0.25
    z = r * r
    sine = ((((((((_S8 * z + _S7) * z + _S6) * z + _S5) * z + _S4) * z + _S3) * z + _S2) * z + _S1) * z + _S0) * r
    cosine = (((((((_C8 * z + _C7) * z + _C6) * z + _C5) * z + _C4) * z + _C3) * z + _C2) * z + _C1) * z + 1.0
    odd = (quarter & u64(1)) != u64(0)
    c, s = (sine if odd else cosine), (cosine if odd else sine)
    c = -c if ((quarter + u64(1)) & u64(2)) != u64(0) else c
    s = -s if (quarter & u64(2)) != u64(0) else s
    return c, s


@njit(nogil=True, forceinline=True)
def _words(words, tile, sample, step, layer, k0, k1):
    """The 64 words of a tile."""
    first = u64(tile) * u64(_WIDTH)
    for w in range(_WIDTH):
        c0, c1, c2, c3 = _philox((first + u64(w)) & _LOW, sample, step, layer, k0, k1)
        words[w], words[16 + w], words[32 + w], words[48 + w] = u32(c0), u32(c1), u32(c2), u32(c3)


@njit(nogil=True, forceinline=True)
def _numbers(numbers, words, normal):
    """What the words of a tile stand for."""
    if normal:
        for half in (0, 32):
            for w in range(_WIDTH):
                radius = math.sqrt(-2.0 * _log(_uniform(words[half + w])))
                cosine, sine = _turn(words[half + 16 + w])
                numbers[half + w], numbers[half + 16 + w] = radius * cosine, radius * sine
    else:
        for w in range(_TILE):
            numbers[w] = _uniform(words[w])


def _fill(out, samples, size, seed, step, layer, first_sample, normal, start, stop):
    """Units of work ``start`` to ``stop``: pieces of samples, of ``size`` elements each, one after the other."""
    k0, k1 = seed & _LOW, seed >> _32
    words, numbers = _stack_words(), _stack_numbers()
    pieces = (size + PIECE - 1) // PIECE
    for unit in range(start, stop):
        place = unit // pieces
        sample = _sample(samples, first_sample, place)
        low = unit % pieces * PIECE
        high = min(size, low + PIECE)
        for begin in range(low, high, _TILE):
            _words(words, begin // _TILE, sample, step, layer, k0, k1)
            _numbers(numbers, words, normal != 0)
            at = place * size + begin
            if begin + _TILE <= high:
                for w in range(_TILE):
                    out[at + w] = numbers[w]
            else:
                for w in range(high - begin):
                    out[at + w] = numbers[w]


_STORED = {"float32": types.float32, "float64": types.float64}


def compile_fill(dtype: str) -> Callable[..., None]:
    """The compiled loop of a dtype (``float32``, ``float64``), from the cache where it is.

    Called with the addresses of out and samples; elements of a sample; seed, step, layer and first sample; 1 for
    normal numbers, 0 for uniform ones; and the units of work.
    """
    signature = types.void(
        types.CPointer(_STORED[dtype]), types.CPointer(types.int64), types.int64, *[types.uint64] * 4,
        types.int64, types.int64, types.int64,
    )  # fmt: skip
    compiled = compile_cached(_fill, signature)
    call = ctypes.CFUNCTYPE(
        None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, *[ctypes.c_uint64] * 4, *[ctypes.c_int64] * 3
    )(compiled.address)
    call.compiled = compiled  # type: ignore[attr-defined]  # the code lives as long as this
    return call
