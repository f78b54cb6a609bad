"""Batches of a map-style data set whose draws are seeded: the same in each arm, and with any number of workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset, default_collate

from droplab.data.draws import borrowed, draws_nothing, others, put_back, seed_draws, seed_torch
from droplab.data.seeded import Seeded

Wanted = tuple[int, int]
"""A sample's number, and the seed of what is drawn for it."""
Seed = Callable[[int], None]


def as_it_is(batch: Any) -> Any:
    """The ``collate_fn`` beside ``Drawn``, which has made the batch already."""
    return batch


class Drawn(Dataset[Any]):
    """Gives a ``DataLoader`` whole batches; all else is the inner data set's.

    Each sample is read under a seed of its own, and the batch is made of them under one too. A data set that reads
    whole batches (``__getitems__``) is seeded once for each; what draws nothing, or seeds itself (``Seeded``), is not.

    To seed numpy's and Python's generators takes longer than torch's, and most data sets draw from torch's alone. Until
    a batch has drawn from the others only torch's is seeded; that batch is read again, and from then on all are.

    Args:
        inner: has a length and gives a sample for 0 .. length - 1.
        collate: makes a batch of a list of samples; torch's where absent.
        read: gives a sample of the inner data set; its ``[index]`` or ``__getitems__`` where absent.

    >>> Drawn([10, 11, 12]).__getitems__([(2, 5), (0, 6)])
    (tensor([2, 0]), tensor([12, 10]))
    """

    def __init__(
        self,
        inner: Any,
        collate: Callable[[list[Any]], Any] | None = None,
        read: Callable[[Any, int], Any] | None = None,
    ) -> None:
        self._inner, self._collate, self._read = inner, collate or default_collate, read
        self._seeded = not (draws_nothing(inner) or isinstance(inner, Seeded))
        self._mixed = self._collate is not default_collate
        source = inner
        while type(source) is Subset:  # whose __getitems__ only asks for one after the other
            source = source.dataset
        self._drew = torch.zeros((), dtype=torch.uint8)
        self._drew.share_memory_()  # type: ignore[no-untyped-call]  # workers that are made anew know it too
        self._whole = read is None and callable(getattr(source, "__getitems__", None))

    def __getattr__(self, name: str) -> Any:
        if name == "_inner":  # it is being unpickled
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __len__(self) -> int:
        return len(self._inner)

    def __getitem__(self, index: int) -> Any:
        return self._inner[index]

    def __getitems__(self, wanted: Sequence[Wanted]) -> tuple[Tensor, Any]:
        """Numbers of the samples, ``(B,)`` int64, and their batch."""
        if not self._seeded and not self._mixed:
            return self._batch(wanted, seed_torch)
        if not self._drew.item():
            found = self._of_torch_alone(wanted)
            if found is not None:
                return found
            self._drew.fill_(1)
        with borrowed():
            return self._batch(wanted, seed_draws)

    def _of_torch_alone(self, wanted: Sequence[Wanted]) -> tuple[Tensor, Any] | None:
        """The batch, where it has drawn from torch's generator at most; generators are given back."""
        torch_before, before = torch.get_rng_state(), others()
        drew = False
        try:
            found = self._batch(wanted, seed_torch)
        finally:
            torch.set_rng_state(torch_before)
            drew = others() != before
            if drew:
                put_back(before)
        return None if drew else found

    def _batch(self, wanted: Sequence[Wanted], seed: Seed) -> tuple[Tensor, Any]:
        samples = self._together(wanted, seed) if self._whole else self._one_by_one(wanted, seed)
        if self._mixed:
            seed(wanted[0][1] ^ 1)
        return torch.tensor([index for index, _ in wanted]), self._collate(samples)

    def _together(self, wanted: Sequence[Wanted], seed: Seed) -> list[Any]:
        if self._seeded:
            seed(wanted[0][1])
        return list(self._inner.__getitems__([index for index, _ in wanted]))

    def _one_by_one(self, wanted: Sequence[Wanted], seed: Seed) -> list[Any]:
        samples, read = [], self._read
        for index, number in wanted:
            if self._seeded:
                seed(number)
            samples.append(self._inner[index] if read is None else read(self._inner, index))
        return samples
