"""Random transforms of a data set, the same for a sample in an epoch whoever asks: each arm, any number of workers."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch.utils.data import Dataset

from droplab.data.drawers import DRAWERS, seeding
from droplab.data.draws import borrowed, seeds_of
from droplab.errors import DataError, quote, words_of
from droplab.userobjects import where_raised


class Seeded(Dataset[Any]):
    """A map-style data set whose random draws are a function of seed, epoch and sample.

    Transforms draw from the global generators of torch, numpy and random, as they usually do; those are seeded for each
    sample and given back afterwards. A generator of the data set's own is out of reach. ``run.loader`` does so by
    itself; this is for a ``DataLoader`` of your own.

    ::

        train_set = droplab.data.Seeded(ImageFolder(..., transform=...), seed=run.seed)
        for epoch in run.epochs(20, ...):
            train_set.epoch = epoch
            for x, y in DataLoader(train_set, ...): ...

    Args:
        dataset: has a length and gives ``(inputs, targets)`` for 0 .. length - 1.
        seed: 0 or larger; a run's, so that other seeds see other draws.

    Attributes:
        epoch: counted from 0; set it before a ``DataLoader`` is iterated, whose workers are made then.

    Raises:
        DataError: no length.

    >>> noisy = Seeded([(0.5, 1)] * 3, seed=0)
    >>> len(noisy), noisy.epoch
    (3, 0)
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        check_indexed(dataset)
        self._inner, self._seed, self.epoch = dataset, int(seed), 0

    def __len__(self) -> int:
        return len(self._inner)

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        numbers, samples = list(map(int, indices)), []
        with borrowed():
            seed = seeding(DRAWERS)
            for index, number in zip(numbers, seeds_of((self._seed, self.epoch), numbers), strict=True):
                seed(number)
                samples.append(named(self._inner, index))
        return samples


def check_indexed(dataset: Any) -> None:
    """Raise ``DataError`` where something is no map-style data set."""
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise DataError(
            f"a {type(dataset).__name__} arrived, {quote(dataset)}; wanted a data set with len() and [index]"
        )


def named(dataset: Any, index: int) -> Any:
    """A sample; whatever it raises says which sample it was.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return dataset[index]
    except Exception as problem:
        raise DataError(
            f"sample {index} raised {words_of(problem)} (at {where_raised(problem)}); mend it, or leave it out: "
            "torch.utils.data.Subset(dataset, good)"
        ) from problem


def check_readable(where: str, dataset: Any, samples: int = 3) -> None:
    """Read the first sample, the last and some between, before anything is trained.

    Raises:
        DataError: a sample raises or is no pair, or the data set has fewer samples than its length says.

    >>> check_readable("train", [(np.zeros(2), 0)] * 5)
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
