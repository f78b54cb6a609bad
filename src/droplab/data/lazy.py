"""Samples that stay where they are: read when a batch wants them, by workers where they are slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from droplab.data.drawn import Drawn, Wanted, all_wanted, as_it_is
from droplab.data.draws import Place
from droplab.data.samples import Batch
from droplab.data.seeded import check_indexed, check_readable, named


class LazySamples:
    """A map-style data set behind the face of ``Samples``: ``take`` and ``chunks``, and ``batches`` for an epoch.

    Random transforms are seeded per sample and epoch (``Drawn``), so that arms of a seed, and any number of workers,
    see the same ones.

    Args:
        dataset: has a length and gives ``(inputs, targets)``, trees of tensors, arrays or numbers.
        seed: of what is drawn, where ``batches`` is given no other.
        workers: processes that read; 0 reads in this one.
        collate: makes a batch of a list of samples; torch's where absent.
        where: names the data in messages.

    Raises:
        DataError: a sample that cannot be read, or a length that is not true.

    >>> squares = LazySamples([(torch.tensor([float(i)]), i * i) for i in range(5)], seed=0)
    >>> [batch.targets.tolist() for batch in squares.chunks(2)]
    [[0, 1], [4, 9], [16]]
    >>> squares.take(torch.tensor([3, 1])).targets
    tensor([9, 1])
    """

    def __init__(
        self,
        dataset: Any,
        *,
        seed: int,
        workers: int = 0,
        collate: Callable[[list[Any]], Any] | None = None,
        where: str = "the data set",
    ) -> None:
        check_indexed(dataset)
        self.dataset = dataset
        self._drawn, self._seed, self._workers = Drawn(dataset, collate, named), seed, workers
        check_readable(where, dataset)

    def __len__(self) -> int:
        return len(self._drawn)

    def take(self, ids: Tensor, epoch: int = 0) -> Batch:
        """The samples with those numbers, as they are in an epoch."""
        return Batch(*self._drawn.__getitems__(list(_Wanted(ids, (self._seed, epoch))))[1])

    def chunks(self, size: int, epoch: int = 0) -> Iterator[Batch]:
        """All samples in order, ``size`` at a time; the last batch may be smaller."""
        return self.batches(torch.arange(len(self)), size, epoch)

    def batches(
        self, order: Tensor, size: int, epoch: int = 0, *, seed: int | None = None, drop_last: bool = False
    ) -> Iterator[Batch]:
        """Samples in that order, ``size`` at a time, read ahead by workers.

        Args:
            order: ``(B,)`` numbers of samples.
            size: of a batch.
            epoch: whose draws transforms get.
            seed: the run's.
            drop_last: leave out a last batch that is smaller.
        """
        loader = DataLoader(
            self._drawn,
            batch_size=size,
            sampler=_Wanted(order, (self._seed if seed is None else seed, epoch)),
            num_workers=self._workers,
            collate_fn=as_it_is,
            drop_last=drop_last,
            generator=torch.Generator(),
        )
        for _, batch in loader:
            yield Batch(*batch)


class _Wanted(Sampler[Wanted]):
    """What is wanted in an order that is known."""

    def __init__(self, ids: Tensor, place: Place) -> None:
        self._ids, self._place = ids, place

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Wanted]:
        return all_wanted(self._ids, self._place)
