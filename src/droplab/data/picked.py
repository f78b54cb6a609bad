"""Some samples of a source, by number, without a copy of any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from droplab.data.lazy import LazySamples
from droplab.data.samples import Batch, Samples


class Source(Protocol):
    """What samples are taken from: ``Samples``, ``Windows``, ``LazySamples``, or some of one of these."""

    def __len__(self) -> int:
        """How many there are."""

    def take(self, ids: Tensor) -> Batch:
        """Those with these numbers, ``(B,)`` int64."""

    def chunks(self, size: int) -> Iterator[Batch]:
        """All in order, ``size`` at a time."""


class Picked:
    """Some samples of a source that stays where it is; each keeps the number that its draws are seeded by.

    Args:
        source: all samples.
        ids: ``(N,)`` int64, their numbers.

    >>> some = Picked(Samples(torch.arange(4.0), torch.arange(4)), torch.tensor([3, 1]))
    >>> len(some), some.take(torch.tensor([1])).targets.tolist()
    (2, [1])
    """

    def __init__(self, source: Source, ids: Tensor) -> None:
        self.source, self.ids = source, ids

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, ids: Tensor) -> Batch:
        """Those with these numbers among the picked ones."""
        return self.source.take(self.ids[ids.cpu()])

    def chunks(self, size: int) -> Iterator[Batch]:
        """All in order, ``size`` at a time."""
        return batches(self, torch.arange(len(self)), size)


def pick(source: Source, ids: Any) -> Source:
    """Some samples of a source: taken out where they are in memory, else by number."""
    chosen = torch.as_tensor(ids, dtype=torch.int64)
    return source.subset(chosen) if isinstance(source, Samples) else Picked(source, chosen)


def batches(source: Source, order: Tensor, size: int, epoch: int = 0, seed: int = 0) -> Iterator[Batch]:
    """Samples in that order, ``size`` at a time; those of a lazy source are read ahead by its workers.

    >>> [batch.targets.tolist() for batch in batches(Samples(torch.zeros(3), torch.arange(3)), torch.tensor([2, 0]), 1)]
    [[2], [0]]
    """
    inner: Any = source
    ids = order
    while isinstance(inner, Picked):
        inner, ids = inner.source, inner.ids[ids.cpu()]
    if isinstance(inner, LazySamples):
        yield from inner.batches(ids.cpu(), size, epoch, seed=seed)
        return
    for start in range(0, len(ids), size):
        yield inner.take(ids[start : start + size])
