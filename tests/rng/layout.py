"""The layout of ``droplab.rng`` a second time, in NumPy, written from its page alone: whole arrays, 64-bit integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)

Words = NDArray[np.uint64]


def philox4x32(counter: Sequence[Words], key: Sequence[int], rounds: int = 10) -> list[Words]:
    """Salmon et al. 2011: a round multiplies two words, swaps halves and mixes in a key that grows by Weyl steps."""
    words = [np.asarray(word, dtype=np.uint64) for word in counter]
    keys = list(key)
    for _ in range(rounds):
        left, right = np.uint64(0xD2511F53) * words[0], np.uint64(0xCD9E8D57) * words[2]
        words = [
            (right >> HALF) ^ words[1] ^ np.uint64(keys[0]),
            right & LOW,
            (left >> HALF) ^ words[3] ^ np.uint64(keys[1]),
            left & LOW,
        ]
        keys = [(keys[0] + 0x9E3779B9) % 2**32, (keys[1] + 0xBB67AE85) % 2**32]
    return words


def elements(shape: Sequence[int], batch_dim: int | None, shared: Sequence[int]) -> NDArray[np.int64]:
    """Numbers of the elements within their sample, 1 long where samples differ or a draw is shared."""
    own = [1 if dim == batch_dim or dim in shared else size for dim, size in enumerate(shape)]
    return np.arange(np.prod(own, dtype=np.int64)).reshape(own)


def draws(
    shape: Sequence[int],
    *,
    seed: int,
    step: int = 0,
    layer: int = 0,
    samples: int | Sequence[int] = 0,
    batch_dim: int | None = None,
    shared: Sequence[int] = (),
) -> NDArray[np.int64]:
    """The 16 bits that decide about each element, of the whole shape."""
    element = elements(shape, batch_dim, shared)
    tile, within = np.divmod(element, 128)
    lane, w = np.divmod(within, 16)
    block = (tile * 16 + w).astype(np.uint64) & LOW
    if batch_dim is None:
        sample = np.array(samples)
    else:
        ids = np.arange(shape[batch_dim]) + samples if isinstance(samples, int) else np.array(samples)
        sample = ids.reshape([-1 if dim == batch_dim else 1 for dim in range(len(shape))])
    rest = [np.asarray(number % 2**32).astype(np.uint64) for number in (sample, step, layer)]
    words = philox4x32([block, *rest], (seed % 2**32, seed // 2**32 % 2**32))
    halves = np.stack(np.broadcast_arrays(*(half for word in words for half in (word & 0xFFFF, word >> np.uint64(16)))))
    lane = np.broadcast_to(lane, halves.shape[1:])
    return np.broadcast_to(np.take_along_axis(halves, lane[None], 0)[0], shape).astype(np.int64)


def threshold(p: float) -> int:
    """``floor(65536 p + 1/2)``, clamped to 1 .. 65535 where ``0 < p < 1``."""
    nearest = int(np.floor(p * 65536 + 0.5))
    return nearest if p in {0, 1} else int(np.clip(nearest, 1, 65535))
