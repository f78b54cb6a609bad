"""Samples that stay where they are: read when a batch wants them, by workers where they are slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from droplab.data.drawn import Drawn, Wanted, all_wanted, as_it_is
from droplab.data.draws import Place
from droplab.data.samples import Batch, as_classes, scaled
from droplab.data.seeded import check_indexed, check_readable, named
from droplab.data.trees import leaves, mapped
from droplab.errors import DataError, words_of


class LazySamples:
    """A map-style data set behind the face of ``Samples``: ``take`` and ``chunks``, and ``batches`` for an epoch.

    Random transforms are seeded per sample and epoch (``Drawn``), so that arms of a seed, and any number of workers,
    see the same ones. Numbers become what ``as_samples`` makes of them; ``uint8`` images stay that unless you call them
    images.

    Args:
        dataset: has a length and gives ``(inputs, targets)``, trees of tensors, arrays or numbers.
        seed: of what is drawn, where ``batches`` is given no other.
        workers: processes that read; 0 reads in this one.
        collate: makes a batch of a list of samples; torch's where absent.
        where: names the data in messages.
        images: whether ``uint8`` inputs are pixels, which then become float32 in [-1, 1].

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
        images: bool = False,
    ) -> None:
        check_indexed(dataset)
        self.dataset = dataset
        self._drawn, self._seed, self._workers = Drawn(dataset, collate, named), seed, workers
        self._images, self._where = images, where
        check_readable(where, dataset)

    def __len__(self) -> int:
        return len(self._drawn)

    def take(self, ids: Tensor, epoch: int = 0) -> Batch:
        """The samples with those numbers, as they are in an epoch.

        Raises:
            DataError: samples that make no batch.
        """
        try:
            _, batch = self._drawn.__getitems__(list(_Wanted(ids, (self._seed, epoch))))
        except DataError:
            raise
        except Exception as problem:
            raise DataError(
                f"samples of {self._where} make no batch: {words_of(problem)}. Wanted tensors, arrays or numbers, of "
                "one shape in all samples; images become so with transforms.ToTensor() and transforms.Resize((64, 64))"
            ) from problem
        return self._made(batch)

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
            yield self._made(batch)

    def _made(self, batch: Any) -> Batch:
        inputs, targets = mapped(_number, tuple(batch))
        if self._images and not any(tensor.dtype == torch.uint8 for _, tensor in leaves(inputs)):
            found = ", ".join(str(tensor.dtype) for _, tensor in leaves(inputs))
            raise DataError(
                f"inputs were called pixels and are {found}; wanted uint8. Leave data.inputs out, and they are taken "
                "as they are"
            )
        return Batch(mapped(scaled if self._images else _plain, inputs), mapped(as_classes, targets))


def _number(value: Any) -> Any:
    """float32 and int64, as in memory; ``uint8``, ``bool``, complex numbers and what is no tensor as they are."""
    if not isinstance(value, Tensor) or value.dtype in _AS_THEY_ARE:
        return value
    return value.float() if value.dtype.is_floating_point else value if value.dtype.is_complex else value.long()


_AS_THEY_ARE = {torch.float32, torch.int64, torch.uint8, torch.bool}


def _plain(value: Any) -> Any:
    whole = isinstance(value, Tensor) and value.dtype == torch.uint8 and value.ndim != 4
    return value.long() if whole else value


class _Wanted(Sampler[Wanted]):
    """What is wanted in an order that is known."""

    def __init__(self, ids: Tensor, place: Place) -> None:
        self._ids, self._place = ids, place

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Wanted]:
        return all_wanted(self._ids, self._place)
