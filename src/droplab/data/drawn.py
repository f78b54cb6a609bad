"""Batches of a map-style data set whose draws are seeded: the same in each arm, and with any number of workers."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset, default_collate

from droplab.data.drawers import OTHERS
from droplab.data.draws import Place, borrowed, draws_nothing, seed_draws, seed_torch, seeds_of
from droplab.data.seeded import Seeded

Wanted = tuple[int, Place]
"""A sample's number, and by what its draws are seeded, the same for all of a batch."""
Seed = Callable[[int], object]
_AT_ONCE = 65_536


def all_wanted(ids: Tensor, place: Place) -> Iterator[Wanted]:
    """Samples ``(N,)`` one after the other, each with the place; some thousands at a time become Python's numbers.

    >>> list(all_wanted(torch.tensor([3, 1]), (0, 5)))
    [(3, (0, 5)), (1, (0, 5))]
    """
    for part in torch.split(ids, _AT_ONCE):
        yield from zip(part.tolist(), repeat(place), strict=False)


def as_it_is(batch: Any) -> Any:
    """The ``collate_fn`` beside ``Drawn``, which has made the batch already."""
    return batch


class Drawn(Dataset[Any]):
    """Gives a ``DataLoader`` whole batches; all else is the inner data set's.

    Each sample is read under a seed of its own, and the batch is made of them under one too. A data set that reads
    whole batches (``__getitems__``) is seeded once for each; what draws nothing, or seeds itself (``Seeded``), is not.

    To seed numpy's and Python's generators takes longer than torch's, and most data sets draw from torch's alone. Each
    of the others is only watched until a batch has drawn from it; that batch is read again, and from then on it is
    seeded too.

    Args:
        inner: has a length and gives a sample for 0 .. length - 1.
        collate: makes a batch of a list of samples; torch's where absent.
        read: gives a sample of the inner data set; its ``[index]`` or ``__getitems__`` where absent.

    >>> ids, batch = Drawn([10, 11, 12]).__getitems__([(2, (0, 5)), (0, (0, 5))])
    >>> numbers_in(ids), batch
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
        self._drew = torch.zeros(len(OTHERS), dtype=torch.uint8)
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

    def __getitems__(self, wanted: Sequence[Wanted]) -> tuple[bytes, Any]:
        """Numbers of the samples, for ``numbers_in``, and their batch."""
        indices = [index for index, _ in wanted]
        ids = array("q", indices).tobytes()
        if not self._seeded and not self._mixed:
            return ids, self._batch(indices, [], seed_torch)
        seeds = seeds_of(wanted[0][1], indices if self._seeded and not self._whole else indices[:1])
        while True:
            watched = [at for at, drew in enumerate(self._drew.tolist()) if not drew]
            found = self._batch_under_watch(indices, seeds, watched)
            if found is not None:
                return ids, found[0]

    def _batch_under_watch(self, indices: list[int], seeds: list[int], watched: list[int]) -> tuple[Any] | None:
        """The batch, where it has drawn from no generator that is only watched; those are given back as the others."""
        before = [OTHERS[at].state() for at in watched]
        seed, clean = seed_draws if len(watched) < len(OTHERS) else seed_torch, True
        try:
            with borrowed(tuple(one for at, one in enumerate(OTHERS) if at not in watched)):
                found = self._batch(indices, seeds, seed)
        finally:
            for at, state in zip(watched, before, strict=True):
                if not OTHERS[at].same(state, OTHERS[at].state()):
                    OTHERS[at].put(state)
                    self._drew[at], clean = 1, False
        return (found,) if clean else None

    def _batch(self, indices: list[int], seeds: list[int], seed: Seed) -> Any:
        samples = self._together(indices, seeds, seed) if self._whole else self._one_by_one(indices, seeds, seed)
        if self._mixed:
            seed(seeds[0] ^ 1)
        return self._collate(samples)

    def _together(self, indices: list[int], seeds: list[int], seed: Seed) -> list[Any]:
        if self._seeded:
            seed(seeds[0])
        return list(self._inner.__getitems__(indices))

    def _one_by_one(self, indices: list[int], seeds: list[int], seed: Seed) -> list[Any]:
        samples, inner, read = [], self._inner, self._read
        if not self._seeded:
            return [inner[index] if read is None else read(inner, index) for index in indices]
        for index, number in zip(indices, seeds, strict=True):
            seed(number)
            samples.append(inner[index] if read is None else read(inner, index))
        return samples


def numbers_in(ids: bytes) -> Tensor:
    """``(B,)`` int64: the numbers that a worker sends as bytes, as a tensor would take a piece of shared memory."""
    return torch.frombuffer(bytearray(ids), dtype=torch.int64)
