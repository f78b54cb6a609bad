"""Cutting a number of samples out of a set so that every class gives its share.

The shares are rounded by largest remainders, so the total is exact. Which samples of a class go is
decided by the raw 64-bit stream of PCG64, which numpy keeps stable across its versions (the methods of
``numpy.random.Generator`` it does not).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from droplab.errors import DataError

Indices = NDArray[np.int64]


class Cut(IntEnum):
    """What a cut is for. Each has a random stream of its own, so one size never moves another cut."""

    TEST = 1
    VALIDATION = 2
    TRAIN = 3


def shares(counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Split ``size`` over classes in proportion to ``counts``; ties go to the lower class.

    Args:
        counts: ``(classes,)`` samples per class.
        size: how many to give out in all, 0 .. ``counts.sum()``.

    >>> shares(np.array([50, 30, 20]), 7).tolist()
    [4, 2, 1]
    >>> shares(np.array([10, 10, 10]), 4).tolist()
    [2, 1, 1]
    """
    total = int(counts.sum())
    whole, remainder = np.divmod(counts * size, max(total, 1))
    order = np.argsort(-remainder, kind="stable")
    whole[order[: size - int(whole.sum())]] += 1
    return whole


def shuffled(count: int, seed: int, cut: Cut, label: int) -> Indices:
    """A permutation of ``0 .. count - 1`` that depends on nothing but its arguments.

    >>> sorted(shuffled(4, 0, Cut.TEST, 2).tolist())
    [0, 1, 2, 3]
    """
    stream = np.random.PCG64(np.random.SeedSequence([seed, int(cut), label]))
    return np.argsort(stream.random_raw(count), kind="stable")


def take(
    labels: NDArray[np.int64], available: Indices, size: int, classes: int, seed: int, cut: Cut
) -> tuple[Indices, Indices]:
    """Take ``size`` of the ``available`` indices, stratified by class.

    Args:
        labels: ``(N,)`` of the whole set.
        available: indices into it, ascending.
        size: how many to take, 1 .. ``len(available)``.
        classes: number of classes.
        seed: chooses the samples; 0 or larger.
        cut: what the cut is for.

    Returns:
        The taken and the left indices, both ascending. With equal class counts a smaller ``size`` takes a
        subset of what a larger one takes.

    >>> taken, left = take(np.array([0, 1, 0, 1, 0, 1]), np.arange(6), 2, 2, 0, Cut.TEST)
    >>> len(taken), len(left)
    (2, 4)
    """
    if not 0 < size <= len(available):
        raise DataError(f"cannot take {size} samples out of {len(available)}")
    of = labels[available]
    wanted = shares(np.bincount(of, minlength=classes), size)
    picked = []
    for label in range(classes):
        members = available[of == label]
        picked.append(members[shuffled(len(members), seed, cut, label)[: wanted[label]]])
    taken = np.sort(np.concatenate(picked))
    return taken, np.setdiff1d(available, taken, assume_unique=True)
