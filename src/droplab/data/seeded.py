"""Random transforms of a data set, the same for a sample in an epoch whoever asks: each arm, any number of workers."""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from droplab.errors import DataError, quote, words_of
from droplab.userobjects import where_raised


def sample_seed(seed: int, epoch: int, index: int) -> int:
    """64 bits for what is drawn for a sample in an epoch.

    >>> sample_seed(0, 0, 1) != sample_seed(0, 1, 1) != sample_seed(1, 0, 1)
    True
    """
    packed = struct.pack("<qqq", seed, epoch, index)
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "little")


@contextmanager
def borrowed() -> Iterator[None]:
    """Give the global generators of torch's CPU, numpy and random back as they were."""
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        yield
    finally:
        torch.set_rng_state(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        random.setstate(before[2])


class Seeded(Dataset[Any]):
    """A map-style data set whose random draws are a function of seed, epoch and sample.

    Transforms draw from the global generators of torch, numpy and random, as they usually do; those are seeded for each
    sample and given back afterwards. A generator of the data set's own is out of reach.

    ::

        train_set = droplab.data.Seeded(ImageFolder(..., transform=...), seed=run.seed)
        for epoch in run.epochs(20, ...):
            train_set.epoch = epoch
            for x, y in run.steps(loader): ...

    Args:
        dataset: has a length and gives ``(inputs, targets)`` for 0 .. length - 1.
        seed: 0 or larger; a run's, so that other seeds see other draws.

    Attributes:
        epoch: counted from 0; set it before a ``DataLoader`` is iterated, whose workers are made then.

    Raises:
        DataError: no length.

    >>> noisy = Seeded([torch.zeros(1)] * 3, seed=0)
    >>> len(noisy), noisy.epoch
    (3, 0)
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            raise DataError(
                f"a {type(dataset).__name__} arrived, {quote(dataset)}; wanted a data set with len() and [index]"
            )
        self._inner, self._seed, self.epoch = dataset, int(seed), 0

    def begin(self, seed: int, epoch: int) -> None:
        """Another seed's and epoch's draws from here on."""
        self._seed, self.epoch = seed, epoch

    def __len__(self) -> int:
        return len(self._inner)

    def __getitem__(self, index: int) -> Any:
        with borrowed():
            return self._drawn(int(index))

    def __getitems__(self, indices: list[int]) -> list[Any]:
        with borrowed():
            return [self._drawn(int(index)) for index in indices]

    def _drawn(self, index: int) -> Any:
        seed = sample_seed(self._seed, self.epoch, index)
        torch.default_generator.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002  # what users' transforms draw from
        random.seed(seed)
        try:
            return self._inner[index]
        except Exception as problem:
            raise DataError(
                f"sample {index} raised {words_of(problem)} (at {where_raised(problem)}); mend it, or leave it out: "
                "torch.utils.data.Subset(dataset, good)"
            ) from problem


def check_readable(where: str, dataset: Any, samples: int = 3) -> None:
    """Read the first sample, the last and some between, before anything is trained.

    Raises:
        DataError: a sample raises or is no pair, or the data set has fewer samples than its length says.

    >>> check_readable("train", [(torch.zeros(2), 0)] * 5)
    """
    count = len(dataset)
    if count == 0:
        raise DataError(f"{where} is empty; wanted at least one sample")
    for index in sorted({round(at) for at in np.linspace(0, count - 1, samples)}):
        try:
            with borrowed():
                sample = dataset[index]
        except IndexError as problem:
            raise DataError(
                f"{where} says that it has {count:,} samples, and sample {index} is not there ({problem}); its __len__ "
                "and __getitem__ disagree"
            ) from problem
        except DataError:
            raise
        except Exception as problem:
            raise DataError(
                f"sample {index} of {where} raised {words_of(problem)} (at {where_raised(problem)})"
            ) from problem
        if not isinstance(sample, tuple | list) or len(sample) != 2:
            raise DataError(f"sample {index} of {where} is a {type(sample).__name__}; wanted a pair (inputs, targets)")
