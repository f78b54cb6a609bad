"""Batches of a map-style data set whose draws are seeded: the same in each arm, and with any number of workers."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset, default_collate

from droplab.data.drawers import DRAWERS, Drawer, Seed, seeding
from droplab.data.draws import Place, draws_nothing, seeds_of
from droplab.data.seeded import Seeded

Wanted = tuple[int, Place]
"""A sample's number, and by what its draws are seeded, the same for all of a batch."""
_AT_ONCE = 65_536
_WATCHED, _SEEDED, _ASKED = range(3)


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

    Seeding costs more than reading a cheap sample, and most data sets draw from one generator. In the first batch all
    are seeded, and asked after each sample whether it has drawn from them. Those from which none has are only watched
    afterwards, until a batch draws from one; that batch is read again, and from then on it is seeded too.

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
        self._how = torch.full((len(DRAWERS),), _ASKED, dtype=torch.uint8)
        self._how.share_memory_()  # type: ignore[no-untyped-call]  # workers that are made anew know it too
        self._seen: np.ndarray | None = None
        self._whole = read is None and callable(getattr(source, "__getitems__", None))

    def __getattr__(self, name: str) -> Any:
        if name == "_inner":  # it is being unpickled
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_seen": None}  # which would be no piece of shared memory elsewhere

    def __len__(self) -> int:
        return len(self._inner)

    def __getitem__(self, index: int) -> Any:
        return self._inner[index]

    def __getitems__(self, wanted: Sequence[Wanted]) -> tuple[bytes, Any]:
        """Numbers of the samples, for ``numbers_in``, and their batch."""
        indices = [index for index, _ in wanted]
        ids = array("q", indices).tobytes()
        if not self._seeded and not self._mixed:
            return ids, self._batch(indices, [], None)
        while True:
            found = self._batch_under_watch(indices, wanted[0][1])
            if found is not None:
                return ids, found[0]

    def _batch_under_watch(self, indices: list[int], place: Place) -> tuple[Any] | None:
        """The batch, where it has drawn from no generator that is only watched; all are given back as they were."""
        known, before, clean = self._known(), [one.state() for one in DRAWERS], True
        drawers = [_Asked(one) if how == _ASKED else one for one, how in zip(DRAWERS, known, strict=True)]
        seeded = [one for one, how in zip(drawers, known, strict=True) if how]
        try:
            found = self._seeded_batch(indices, place, seeding(seeded)) if seeded else self._batch(indices, [], None)
            if _ASKED in known:
                self._note(drawers)
        finally:
            for at, (one, how, state) in enumerate(zip(DRAWERS, known, before, strict=True)):
                if how:
                    one.put(state)
                elif not one.same(state, one.state()):
                    one.put(state)
                    self._how[at], clean = _SEEDED, False
        return (found,) if clean else None

    def _known(self) -> list[int]:
        if self._seen is None:
            self._seen = self._how.numpy()
        return list(self._seen.tolist())

    def _note(self, drawers: list[Any]) -> None:
        for at, one in enumerate(drawers):
            if isinstance(one, _Asked) and self._how[at] == _ASKED:  # and no other worker knows better
                self._how[at] = _SEEDED if one.has_drawn() else _WATCHED

    def _seeded_batch(self, indices: list[int], place: Place, seed: Seed) -> Any:
        seeds = seeds_of(place, indices if self._seeded and not self._whole else indices[:1])
        return self._batch(indices, seeds, seed)

    def _batch(self, indices: list[int], seeds: list[int], seed: Seed | None) -> Any:
        read = self._together if self._whole else self._one_by_one
        samples = read(indices, seeds, seed if self._seeded else None)
        if self._mixed and seed is not None:
            seed(seeds[0] ^ 1)
        return self._collate(samples)

    def _together(self, indices: list[int], seeds: list[int], seed: Seed | None) -> list[Any]:
        if seed is not None:
            seed(seeds[0])
        return list(self._inner.__getitems__(indices))

    def _one_by_one(self, indices: list[int], seeds: list[int], seed: Seed | None) -> list[Any]:
        samples, inner, read = [], self._inner, self._read
        if seed is None:
            return [inner[index] if read is None else read(inner, index) for index in indices]
        for index, number in zip(indices, seeds, strict=True):
            seed(number)
            samples.append(inner[index] if read is None else read(inner, index))
        return samples


@final
class _Asked:
    """A generator that knows whether something was drawn from it since it was seeded, every time that it was.

    >>> asked = _Asked(DRAWERS[0])
    >>> from droplab.data.draws import borrowed
    >>> with borrowed():
    ...     seed = asked.seeder()
    ...     seed(1), asked.has_drawn(), torch.rand(()).item() < 1, seed(2), asked.has_drawn()
    (None, False, True, None, True)
    """

    def __init__(self, drawer: Drawer) -> None:
        self._drawer, self._fresh, self._drew = drawer, None, False

    def seeder(self) -> Seed:
        begin = self._drawer.seeder()

        def seed(number: int) -> None:
            self._drew = self.has_drawn()
            begin(number)
            self._fresh = self._drawer.state()

        return seed

    def has_drawn(self) -> bool:
        return self._drew or not (self._fresh is None or self._drawer.same(self._fresh, self._drawer.state()))


def numbers_in(ids: bytes) -> Tensor:
    """``(B,)`` int64: the numbers that a worker sends as bytes, as a tensor would take a piece of shared memory."""
    return torch.frombuffer(bytearray(ids), dtype=torch.int64)
