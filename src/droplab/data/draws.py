"""What is drawn while a sample is read: a function of seed, epoch and sample, whoever reads it, and in which order."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch.utils.data import ConcatDataset, Subset, TensorDataset, get_worker_info

from droplab.data.drawers import DRAWERS
from droplab.data.samples import Samples
from droplab.data.tokens import Windows

Place = tuple[int, int]
"""A seed, and an epoch."""
_packed = struct.Struct("<qqq").pack


def seeds_of(place: Place, indices: Sequence[int]) -> list[int]:
    """For each of some samples, 64 bits for what is drawn for it in an epoch.

    >>> [one], [next_epoch], [other_seed] = seeds_of((0, 0), [1]), seeds_of((0, 1), [1]), seeds_of((1, 0), [1])
    >>> one == seeds_of((0, 0), range(9))[1] != next_epoch != other_seed
    True
    """
    seed, epoch = place
    hashed, number = hashlib.blake2b, int.from_bytes
    return [number(hashed(_packed(seed, epoch, index), digest_size=8).digest(), "little") for index in indices]


@contextmanager
def borrowed() -> Iterator[None]:
    """Give global generators back as they were.

    In a worker of a ``DataLoader`` they are left as they are: nothing else draws there.
    """
    before = [(one, one.state()) for one in DRAWERS] if get_worker_info() is None else []
    try:
        yield
    finally:
        for one, state in before:
            one.put(state)


def draws_nothing(dataset: Any) -> bool:
    """Whether a data set is known to draw nothing while it is read: tensors, lists, and parts of these.

    >>> import torch
    >>> pairs = TensorDataset(torch.zeros(3, 2), torch.zeros(3))
    >>> draws_nothing(Subset(pairs, [0, 2])), draws_nothing([(0, 1)])
    (True, True)
    """
    if type(dataset) is Subset:
        return draws_nothing(dataset.dataset)
    if type(dataset) is ConcatDataset:
        return all(map(draws_nothing, dataset.datasets))
    return type(dataset) in {TensorDataset, Samples, Windows, list, tuple}
