"""What is drawn while a sample is read: a function of seed, epoch and sample, whoever reads it, and in which order."""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils.data import ConcatDataset, Subset, TensorDataset, get_worker_info

from droplab.data.samples import Samples
from droplab.data.tokens import Windows


def sample_seed(seed: int, epoch: int, index: int) -> int:
    """64 bits for what is drawn for a sample in an epoch.

    >>> sample_seed(0, 0, 1) != sample_seed(0, 1, 1) != sample_seed(1, 0, 1)
    True
    """
    packed = struct.pack("<qqq", seed, epoch, index)
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "little")


def seed_draws(seed: int) -> None:
    """Seed the global generators that transforms draw from: torch's of the CPU, numpy's and Python's."""
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)  # noqa: NPY002  # what users' transforms draw from
    random.seed(seed)


@contextmanager
def borrowed() -> Iterator[None]:
    """Give the global generators of torch's CPU, numpy and random back as they were.

    In a worker of a ``DataLoader`` they are left as they are: nothing else draws there, and numpy's take as long to
    read and to put back as ten samples to seed.
    """
    if get_worker_info() is not None:
        yield
        return
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        yield
    finally:
        torch.set_rng_state(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        random.setstate(before[2])


Others = tuple[Any, ...]
"""Where the global generators of numpy and random stand."""


def seed_torch(seed: int) -> None:
    """Seed torch's global generator of the CPU alone."""
    torch.default_generator.manual_seed(seed)


def others() -> Others:
    """Where numpy's and Python's generators stand; equal where nothing was drawn in between.

    >>> others() == others()
    True
    """
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
    return random.getstate(), name, keys.tobytes(), *rest  # type: ignore[union-attr]


def put_back(state: Others) -> None:
    """The inverse."""
    python, name, keys, *rest = state
    random.setstate(python)
    np.random.set_state((name, np.frombuffer(keys, np.uint32), *rest))  # noqa: NPY002


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
