"""Which units a mask drops: Philox4x32-10, key and counter, lanes, thresholds. One page that every kernel obeys.

A mask is a pure function of its key. For element ``e`` of sample ``n`` at step ``t`` of layer ``l`` under seed ``s``::

    key      = (s mod 2^32, s div 2^32)                 the 64-bit seed
    counter  = (block, n, t, l)                         32 bits each
    block    = 16 (e div 128) + e mod 16                a tile of 128 elements takes 16 blocks ...
    lane     = (e mod 128) div 16                       ... and each block gives eight lanes of 16 bits
    value    = 16 bits of philox(counter, key): word lane div 2, its low half where lane is even
    dropped  where value < T,   T = floor(65536 p + 1/2), clamped to 1 .. 65535 for 0 < p < 1

Sixteen neighbouring elements take the same lane of sixteen neighbouring blocks, so that a CPU's inner loop and a
GPU's store are contiguous. Without a sample dimension the whole tensor is sample 0 and ``e`` its linear index.

A mask keeps with probability ``1 - T / 65536`` exactly; the scale of what is kept is ``65536 / (65536 - T)``, so the
mean is exact for the effective rate ``T / 65536``, which is within 1/131072 of ``p`` (1/65536 where clamped).

A kind that needs more than a yes or no takes 32 bits for each element instead, from streams of their own::

    counter  = (block, n, t, l + 0x9E3779B9 stream)     stream 1, 2, ...
    block    = 16 (e div 64) + e mod 16                 a tile of 64 elements takes 16 blocks ...
    word     = (e mod 64) div 16                        ... and each block gives four words
    uniform  = (word + 1/2) / 2^32                      in (0, 1), never 0 or 1
    normal   = sqrt(-2 ln u) cos(2 pi v) for even words, sqrt(-2 ln u) sin(2 pi v) for odd ones,
               u and v the uniforms of words 0 and 1, or 2 and 3, of the block (Box and Muller, 1958)

Words and uniforms are the same to the bit everywhere. Normals are computed in float64, where the logarithms of
different devices may differ in the last bit, and rounded once.

Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC 2011.
"""

from __future__ import annotations

import hashlib
import math

LANES = 8
"""16-bit lanes of one 128-bit block."""
WIDTH = 16
"""Neighbouring blocks that make a tile."""
TILE = LANES * WIDTH
"""Elements of a tile: 128."""
FULL = 65536
"""Values of a lane; as a threshold it drops everything."""

MULTIPLIER_0, MULTIPLIER_1 = 0xD2511F53, 0xCD9E8D57
WEYL_0, WEYL_1 = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10
WIDE_TILE = 4 * WIDTH
"""Elements of a tile of 32-bit words: 64."""
STREAM = 0x9E3779B9
"""Between the layer ids of one layer's streams."""

_WORD = 0xFFFFFFFF


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Philox4x32-10 of one counter: four 32-bit words. In Python's integers, to be read and to judge by.

    >>> [f"{word:08x}" for word in philox((0, 0, 0, 0), (0, 0))]  # Random123's first known answer
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        product_0, product_1 = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (product_1 >> 32) ^ c1 ^ k0, product_1 & _WORD, (product_0 >> 32) ^ c3 ^ k1, product_0 & _WORD
        k0, k1 = (k0 + WEYL_0) & _WORD, (k1 + WEYL_1) & _WORD
    return c0, c1, c2, c3


def threshold(p: float) -> int:
    """``T``: a lane below it is dropped; 0 for ``p = 0`` and 65536 for ``p = 1``.

    >>> threshold(0.0), threshold(1e-9), threshold(0.25), threshold(1 - 1e-9), threshold(1.0)
    (0, 1, 16384, 65535, 65536)
    """
    if p <= 0:
        return 0
    if p >= 1:
        return FULL
    return min(max(math.floor(p * FULL + 0.5), 1), FULL - 1)


def effective_rate(p: float) -> float:
    """The drop rate that a mask really has: ``T / 65536``.

    >>> effective_rate(0.5), effective_rate(0.1)
    (0.5, 0.100006103515625)
    """
    return threshold(p) / FULL


def keep_scale(limit: int) -> float:
    """``65536 / (65536 - T)`` for the threshold ``T``; 0 where everything is dropped.

    >>> keep_scale(threshold(0.5)), keep_scale(threshold(1.0))
    (2.0, 0.0)
    """
    return FULL / (FULL - limit) if limit < FULL else 0.0


def place(element: int) -> tuple[int, int]:
    """``(block, lane)`` of an element.

    >>> place(0), place(1), place(16), place(128)
    ((0, 0), (1, 0), (0, 1), (16, 0))
    """
    return WIDTH * (element // TILE) + element % WIDTH, element % TILE // WIDTH


def value(seed: int, layer: int, step: int, sample: int, element: int) -> int:
    """The 16 bits that decide about one element. What every kernel must agree with.

    >>> value(0, 0, 0, 0, 0) == 0x6627e8d5 & 0xffff
    True
    """
    block, lane = place(element)
    words = philox((block & _WORD, sample & _WORD, step & _WORD, layer & _WORD), (seed & _WORD, seed >> 32 & _WORD))
    return words[lane // 2] >> 16 * (lane % 2) & 0xFFFF


def layer_id(name: str) -> int:
    """32 bits that stand for a layer's name: the first four bytes of its SHA-256, big end first.

    >>> layer_id("drop1") == layer_id("drop1") != layer_id("drop2")
    True
    """
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def word(seed: int, layer: int, step: int, sample: int, element: int, stream: int = 1) -> int:
    """The 32 bits of one element in a stream. What every kernel must agree with.

    >>> word(0, -STREAM, 0, 0, 0) == 0x6627e8d5
    True
    """
    block = WIDTH * (element // WIDE_TILE) + element % WIDTH
    counter = (block & _WORD, sample & _WORD, step & _WORD, (layer + STREAM * stream) & _WORD)
    return philox(counter, (seed & _WORD, seed >> 32 & _WORD))[element % WIDE_TILE // WIDTH]


def uniform(word: int) -> float:
    """A word as a number in (0, 1).

    >>> uniform(0) > 0, uniform(0x80000000) - 0.5 == 2**-33, uniform(0xFFFFFFFF) < 1
    (True, True, True)
    """
    return (word + 0.5) / 2**32


def normal(words: tuple[int, int, int, int], index: int) -> float:
    """The standard normal number of word ``index`` of a block.

    >>> f"{normal((0x80000000, 0, 0, 0), 0):.4f}"
    '1.1774'
    """
    first = index // 2 * 2
    radius, angle = math.sqrt(-2 * math.log(uniform(words[first]))), 2 * math.pi * uniform(words[first + 1])
    return radius * (math.sin(angle) if index % 2 else math.cos(angle))
