"""A ``DataLoader`` whose order is a pure function of seed and epoch, and whose batches say which samples they hold."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler, default_collate

from droplab.errors import UserError, quote
from droplab.training.digests import update
from droplab.training.seeding import derive

_OURS = ("sampler", "batch_sampler", "generator", "shuffle")


class _InHand:
    """The batch that an iterator has given last, and whether a step has had it."""

    def __init__(self) -> None:
        self.ids: Tensor | None = None
        self.fresh = False
        self.ahead = False


class Desk:
    """Which samples the batch in hand holds.

    A batch is known by its tensors, or by being the only one that is in hand. Where a loop fetches ahead, or has
    batches of several loaders in hand, only the first way is left.
    """

    def __init__(self) -> None:
        self._hands: dict[object, _InHand] = {}
        self._known: dict[int, tuple[weakref.ref[Tensor], Tensor]] = {}

    def give(self, ticket: object, ids: Tensor | None, batch: Any) -> None:
        """An iterator gives a batch."""
        hand = self._hands.setdefault(ticket, _InHand())
        hand.ahead |= hand.fresh
        hand.ids, hand.fresh = ids, True
        if ids is not None:
            for tensor in _tensors(batch):
                self._remember(tensor, ids)

    def _remember(self, tensor: Tensor, ids: Tensor) -> None:
        number = id(tensor)
        known = self._known

        def forget(_gone: object) -> None:
            known.pop(number, None)

        known[number] = weakref.ref(tensor, forget), ids

    def leave(self, ticket: object) -> None:
        """An iterator has ended."""
        self._hands.pop(ticket, None)

    def now(self) -> Tensor | None:
        """Ids of the batch in hand; ``None`` where there is none, or it is not clear which."""
        if len(self._hands) != 1:
            return None
        hand = next(iter(self._hands.values()))
        hand.fresh = False
        return None if hand.ahead else hand.ids

    def of(self, batch: Any) -> Tensor | None:
        """Ids of a batch by its tensors."""
        for hand in self._hands.values():
            hand.fresh = False
        for tensor in _tensors(batch):
            found = self._known.get(id(tensor))
            if found is not None and found[0]() is tensor:
                return found[1]
        return None


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tensors(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)


def batch_digest(batch: Any) -> str:
    """16 hex digits of a batch's tensors: shapes, types and bits.

    >>> batch_digest([torch.ones(2)]) == batch_digest((torch.ones(2),)), len(batch_digest({}))
    (True, 16)
    """
    digest = hashlib.sha256()
    for number, tensor in enumerate(_tensors(batch)):
        update(digest, str(number), tensor)
    return digest.hexdigest()[:16]


class _Numbered(Dataset[Any]):
    """A data set that gives each sample with its index; all else is the inner one's."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        if name == "_inner":  # it is being unpickled
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __len__(self) -> int:
        return len(self._inner)

    def __getitem__(self, index: int) -> tuple[int, Any]:
        return index, self._inner[index]

    def __getitems__(self, indices: list[int]) -> list[tuple[int, Any]]:
        if callable(getattr(self._inner, "__getitems__", None)):
            return list(zip(indices, self._inner.__getitems__(indices), strict=True))
        return [(index, self._inner[index]) for index in indices]


class _Collate:
    """The indices of a batch beside what the user's function makes of its samples."""

    def __init__(self, inner: Callable[[list[Any]], Any]) -> None:
        self._inner = inner

    def __call__(self, pairs: list[tuple[int, Any]]) -> tuple[Tensor, Any]:
        return torch.tensor([index for index, _ in pairs]), self._inner([sample for _, sample in pairs])


class _Order(Sampler[int]):
    """Indices in the order of a seed, an epoch and a pass within it."""

    def __init__(self, count: int, seed: int, purpose: str) -> None:
        self._count, self._seed, self._purpose = count, seed, purpose
        self.place = (0, 0)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        epoch, number = self.place
        purpose = f"{self._purpose}/{number}" if number else self._purpose
        generator = torch.Generator().manual_seed(derive(self._seed, purpose, epoch))
        yield from torch.randperm(self._count, generator=generator).tolist()


class RunLoader(DataLoader[Any]):
    """What ``run.loader`` gives.

    Args:
        desk: hears of every batch.
        clock: the epoch that is counted now; ``None`` where the loop has no epochs.
        seed: the run's.
        number: of the shuffled loaders of the run, from 0; ``None`` for one that is not shuffled.
        begun: told the digest of the run's first batch.
        dataset: the user's.
        options: the ``DataLoader``'s.

    Raises:
        UserError: options that would make the order another one.
    """

    def __init__(
        self,
        dataset: Any,
        *,
        desk: Desk,
        clock: Callable[[], int | None],
        seed: int,
        number: int | None,
        begun: Callable[[str], None],
        options: dict[str, Any],
    ) -> None:
        self._iterable = isinstance(dataset, IterableDataset)
        given = next((name for name in _OURS if options.get(name) is not None), None)
        if given is not None:
            raise UserError(
                f"run.loader got {given}=…, and draws the order itself, so that it is the same in every arm; leave it "
                "out, or make a DataLoader of your own and give run.step(samples=ids)"
            )
        purpose = "order" if not number else f"order#{number + 1}"
        self._seed, self._purpose = seed, purpose
        self._desk, self._clock, self._begun = desk, clock, begun
        self._places: dict[int | None, int] = {}
        self._order: _Order | None = None
        collate = options.pop("collate_fn", None)
        generator = torch.Generator()
        if self._iterable:
            super().__init__(dataset, collate_fn=collate, generator=generator, **options)
            return
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            raise UserError(
                f"run.loader got a {type(dataset).__name__}, {quote(dataset)}; a data set with len() and [index] is "
                "wanted, or an IterableDataset"
            )
        if number is not None:
            self._order = _Order(len(dataset), seed, purpose)
        super().__init__(
            _Numbered(dataset),
            sampler=self._order,
            collate_fn=_Collate(collate or default_collate),
            generator=generator,
            **options,
        )

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # a generator, so that leaving it early is heard
        clock = self._clock()
        passed = self._places.get(clock, 0)
        self._places = {clock: passed + 1}
        epoch, number = (passed, 0) if clock is None else (clock, passed)
        cast(torch.Generator, self.generator).manual_seed(
            derive(self._seed, f"{self._purpose}/workers/{number}", epoch)
        )
        if self._order is not None:
            self._order.place = (epoch, number)
        ticket = object()
        first = (epoch, number) == (0, 0) and (self._order is not None or self._iterable)
        try:
            for found in super().__iter__():
                ids, batch = (None, found) if self._iterable else found
                if first:
                    self._begun(batch_digest(batch))
                    first = False
                self._desk.give(ticket, ids, batch)
                yield batch
        finally:
            self._desk.leave(ticket)
