"""Folds of the validation samples.

A sample's fold is a hash of its id, so that it is the same in all epochs, arms, seeds, processes and machines. A whole
number is mixed as SplitMix64 does (``z = id + 0x9E3779B97F4A7C15``; ``z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9``;
``z = (z ^ z >> 27) * 0x94D049BB133111EB``; ``z ^ z >> 31``; all modulo 2^64), which is one to one; a text has the first
8 bytes, little-endian, of the BLAKE2b of its UTF-8. The fold is the remainder by the number of folds. Groups, of which
there may be few, are dealt to the folds in the order of their hashes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

MOST = 5
ENOUGH = 100
"""With as many samples there are five folds; with fewer two, as small folds say nothing."""


OTHERS = "/others"
"""Ends the name under which a figure that is no mean has its values on all samples but each fold's, and on all."""


def folds_for(samples: int) -> int:
    """The number of folds.

    >>> folds_for(10_000), folds_for(100), folds_for(99)
    (5, 5, 2)
    """
    return MOST if samples >= ENOUGH else 2


def hashes(ids: Sequence[str] | np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """``(N,)`` of 64 bits for the ids, ``(N,)`` whole numbers below 2^63 in amount, or texts.

    >>> (hashes(np.array([0, 1, 2, -1])) % np.uint64(5)).tolist(), (hashes(["a", "b"]) % np.uint64(5)).tolist()
    ([0, 0, 0, 1], [3, 3])
    """
    if not isinstance(ids, np.ndarray):
        digests = b"".join(
            hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in ids
        )
        return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
    mixed = ids.astype(np.int64).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def fold_sums(
    ids: Sequence[str] | np.ndarray[Any, Any], values: np.ndarray[Any, Any], folds: int | None = None
) -> tuple[tuple[float, float], ...]:
    """Sum and count of the values in each fold; sums are exactly rounded, so that the samples' order is no matter.

    Args:
        ids: ``(N,)``, as ``hashes`` takes them.
        values: ``(N,)``, finite numbers.
        folds: how many; by the number of samples where absent.

    >>> fold_sums(np.arange(4), np.array([1.0, 2.0, 4.0, 8.0]))
    ((4.0, 1.0), (11.0, 3.0))
    """
    count = folds_for(len(values)) if folds is None else folds
    place = hashes(ids) % np.uint64(count)
    return tuple(
        (math.fsum(part.tolist()), float(len(part))) for part in (values[place == fold] for fold in range(count))
    )


Pairs = tuple[tuple[float, float], ...]
"""Of each fold a sum, or a value times its count, and the count."""


def fold_values(here: Sequence[float], others: Sequence[float], counts: Sequence[float]) -> tuple[Pairs, Pairs]:
    """What the ledger has of a figure that is no mean, each value times its count: on folds, and under ``NAME/others``.

    Args:
        here: ``(K,)``, the figure on each fold.
        others: ``(K + 1,)``, on all samples but each fold's, last on all.
        counts: ``(K,)``, of samples.

    >>> fold_values([0.5, 1.0], [1.0, 0.5, 0.75], [2.0, 2.0])
    (((1.0, 2.0), (2.0, 2.0)), ((2.0, 2.0), (1.0, 2.0), (3.0, 4.0)))
    """
    whole = math.fsum(counts)
    rest = [*(whole - count for count in counts), whole]
    return _times(here, counts), _times(others, rest)


def _times(values: Sequence[float], counts: Sequence[float]) -> Pairs:
    return tuple((value * count, count) for value, count in zip(values, counts, strict=True))


def folds_of_groups(groups: Sequence[Any] | np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The fold of each sample, ``(N,)``: those of a group are in one, but where all are of one group.

    Args:
        groups: ``(N,)``, the group of each sample: whole numbers, or anything that is told apart by its text.

    >>> folds_of_groups(["ann", "bob", "ann", "eve"]).tolist()
    [0, 1, 0, 0]
    """
    array = np.asarray(groups)
    names, at = np.unique(array if array.dtype.kind in "iu" else array.astype(str), return_inverse=True)
    count = min(folds_for(len(at)), len(names))
    if count < 2:
        return (hashes(np.arange(len(at))) % np.uint64(folds_for(len(at)))).astype(np.int64)
    order = np.argsort(hashes(names if names.dtype.kind in "iu" else names.tolist()), kind="stable")
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names)) % count
    return place[at.reshape(-1)]
