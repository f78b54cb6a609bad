"""What is drawn while a sample is read: a function of seed, epoch and sample, whoever reads it, and in which order."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import ConcatDataset, Subset, TensorDataset, get_worker_info

from droplab.data.drawers import OTHERS, Drawer
from droplab.data.samples import Samples
from droplab.data.tokens import Windows

Place = tuple[int, int]
"""A seed, and an epoch."""
_packed = struct.Struct("<qqq").pack


def seeds_of(place: Place, indices: Sequence[int]) -> list[int]:
    """For each of some samples, 64 bits for what is drawn for it in an epoch.

    >>> [one] = seeds_of((0, 0), [1])
    >>> one == sample_seed(0, 0, 1), len(set(seeds_of((0, 0), range(9))))
    (True, 9)
    """
    seed, epoch = place
    hashed, number = hashlib.blake2b, int.from_bytes
    return [number(hashed(_packed(seed, epoch, index), digest_size=8).digest(), "little") for index in indices]


def sample_seed(seed: int, epoch: int, index: int) -> int:
    """Of one sample.

    >>> sample_seed(0, 0, 1) != sample_seed(0, 1, 1) != sample_seed(1, 0, 1)
    True
    """
    return seeds_of((seed, epoch), (index,))[0]


_taken = OTHERS
seed_torch: Callable[[int], object] = torch.default_generator.manual_seed
"""Seed torch's global generator of the CPU alone."""


def seed_draws(seed: int) -> None:
    """Seed the global generators that transforms draw from: torch's of the CPU, and those that were ``borrowed``."""
    seed_torch(seed)
    for one in _taken:
        one.seed(seed)


@contextmanager
def borrowed(others: tuple[Drawer, ...] = OTHERS) -> Iterator[None]:
    """Give the global generators of torch's CPU, and others, back as they were; within it ``seed_draws`` seeds these.

    In a worker of a ``DataLoader`` they are left as they are: nothing else draws there.
    """
    global _taken  # noqa: PLW0603  # the generators are global too
    outer, _taken = _taken, others
    here = get_worker_info() is None
    before: list[tuple[Callable[[Any], object], Any]] = []
    if here:
        before = [(torch.default_generator.set_state, torch.default_generator.get_state())]
        before += [(one.put, one.state()) for one in others]
    try:
        yield
    finally:
        _taken = outer
        for put, state in before:
            put(state)


def draws_nothing(dataset: Any) -> bool:
    """Whether a data set is known to draw nothing while it is read: tensors, lists, and parts of these.

    >>> pairs = TensorDataset(torch.zeros(3, 2), torch.zeros(3))
    >>> draws_nothing(Subset(pairs, [0, 2])), draws_nothing([(0, 1)])
    (True, True)
    """
    if type(dataset) is Subset:
        return draws_nothing(dataset.dataset)
    if type(dataset) is ConcatDataset:
        return all(map(draws_nothing, dataset.datasets))
    return type(dataset) in {TensorDataset, Samples, Windows, list, tuple}
