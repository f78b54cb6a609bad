"""A ``DataLoader`` whose order is a pure function of seed and epoch, and whose batches say which samples they hold."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Sampler

from droplab.data.drawn import Drawn, Wanted, all_wanted, as_it_is, numbers_in
from droplab.errors import UserError, quote
from droplab.training.desk import Desk, batch_digest
from droplab.training.once import Once
from droplab.training.progress import Progress
from droplab.training.ranks import Ranks
from droplab.training.seeding import borrowed_generators, derive
from droplab.training.share import Share

_OURS = ("sampler", "batch_sampler", "generator", "shuffle")


class _Order(Sampler[Wanted]):
    """What is wanted of a data set in a pass within an epoch, from some place on; or a rank's share of it.

    The order of numbers is drawn, or their own; seeds of what is drawn for the samples go along.
    """

    def __init__(self, dataset: Any, seed: int, purpose: str, shuffled: tuple[int, Share] | None) -> None:
        self._dataset, self._seed, self._purpose, self._shuffled = dataset, seed, purpose, shuffled
        self.place = (0, 0)
        self.skip = 0

    def __len__(self) -> int:
        if self._shuffled is None:
            return len(self._dataset)
        count, share = self._shuffled
        return count // share.ranks

    def __iter__(self) -> Iterator[Wanted]:
        epoch, number = self.place
        kept = "" if self._shuffled else "in order, "
        draws = derive(self._seed, f"{kept}{self._purpose}/draws/{number}")
        return all_wanted(self._numbers(epoch, number)[self.skip :], (draws, epoch))

    def _numbers(self, epoch: int, number: int) -> Tensor:
        if self._shuffled is None:
            return torch.arange(len(self._dataset))
        count, share = self._shuffled
        purpose = f"{self._purpose}/{number}" if number else self._purpose
        generator = torch.Generator().manual_seed(derive(self._seed, purpose, epoch))
        return share.of(torch.randperm(count, generator=generator))


class RunLoader(DataLoader[Any]):
    """What ``run.loader`` gives.

    Args:
        desk: hears of every batch.
        progress: the run's.
        seed: the run's.
        number: of the shuffled loaders of the run, from 0; ``None`` for one that is not shuffled.
        begun: told the digest of the run's first batch.
        once: told where a stream is read again from its start.
        dataset: the user's.
        trains: whether its batches are trained on.
        ranks: each has its share of every batch that is trained on.
        options: the ``DataLoader``'s.

    Raises:
        UserError: options that would make the order another one.
    """

    def __init__(
        self,
        dataset: Any,
        *,
        desk: Desk,
        progress: Progress,
        seed: int,
        number: int | None,
        begun: Callable[[str], None],
        once: Once,
        trains: bool,
        ranks: Ranks,
        options: dict[str, Any],
    ) -> None:
        self._iterable, self._shuffled = isinstance(dataset, IterableDataset), number is not None
        given = next((name for name in _OURS if options.get(name) is not None), None)
        if given is not None:
            raise UserError(
                f"run.loader got {given}=…, and draws the order itself, so that it is the same in every arm; leave it "
                "out, or make a DataLoader of your own and give run.step(samples=ids)"
            )
        purpose = "order" if not number else f"order#{number + 1}"
        self._seed, self._purpose, self._trains = seed, purpose, trains
        self._desk, self._progress, self._begun, self._once = desk, progress, begun, once
        self._places: dict[int | None, int] = {}
        self.position = (0, 0)
        """Where epochs are so many steps: the pass, and its batches that were given."""
        self._stream: tuple[tuple[int, int], Iterator[Any]] | None = None
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
        if options["batch_size"] is None:
            raise UserError(
                "run.loader got batch_size=None, and makes batches of single samples; give the samples per batch, or "
                "an IterableDataset that gives whole batches"
            )
        shuffled = None
        if number is not None:
            if not len(dataset):
                raise UserError(f"run.loader got a {type(dataset).__name__} without samples; some are wanted")
            share = Share(ranks.rank, ranks.count, options["batch_size"])
            count = share.counted(len(dataset), drop_last=options["drop_last"])
            shuffled = count, share
            if ranks.count > 1:
                options["batch_size"] = share.batch_size
        self._order = _Order(dataset, seed, purpose, shuffled)
        super().__init__(
            Drawn(dataset, collate),
            sampler=self._order,
            collate_fn=as_it_is,
            generator=generator,
            **options,
        )

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # a generator, so that leaving it early is heard
        if self._trains and self._progress.unit is not None:
            yield from self._steps_of_epoch()
            return
        counted = self._progress.counted
        passed = self._places.get(counted, 0)
        self._places = {counted: passed + 1}
        epoch, number = (passed, 0) if counted is None else (counted, passed)
        self._seed_workers(f"workers/{number}", epoch)
        if self._order is not None:
            self._order.place, self._order.skip = (epoch, number), 0
        first = (epoch, number) == (0, 0) and (self._shuffled or self._iterable)
        yield from self._given(super().__iter__(), first=first)

    def _seed_workers(self, purpose: str, number: int) -> None:
        generator = cast(torch.Generator, self.generator)
        generator.manual_seed(derive(self._seed, f"{self._purpose}/{purpose}", number))

    def _given(self, found: Iterable[Any], *, first: bool) -> Iterator[Any]:
        """The batches, while the desk knows which one is in hand."""
        ticket = object()
        try:
            for one in found:
                ids, batch = (None, one) if self._iterable else (numbers_in(one[0]), one[1])
                if first:
                    self._begun(batch_digest(batch))
                    first = False
                self._desk.give(ticket, ids, batch)
                yield batch
        finally:
            self._desk.leave(ticket)

    def _steps_of_epoch(self) -> Iterator[Any]:
        """Batches until the epoch has had its steps: the rest of a pass, and as many passes as it takes."""
        progress = self._progress
        if progress.over:
            raise UserError(
                f"all {progress.unit} steps of epoch {progress.epoch + 1} are done, and the loader for training was "
                "asked for more batches; run.loader(…, shuffle=False) gives whole passes, for evaluation"
            )
        while not progress.over:
            number, begun = self.position
            for batch in self._given(self._rest_of_pass(number, begun), first=self.position == (0, 0)):
                self.position = number, self.position[1] + 1
                yield batch
                if progress.over:
                    return
            if self.position == (number, 0):
                raise UserError("run.loader has no batch to give; see that its data set is not empty")
            self.position = number + 1, 0

    def _rest_of_pass(self, number: int, begun: int) -> Iterator[Any]:
        if self._iterable:
            return self._rest_of_stream(number, begun)
        assert self._order is not None
        self._order.place, self._order.skip = (number, 0), begun * cast(int, self.batch_size)
        self._seed_workers(f"workers from {begun}" if begun else "workers/0", number)
        return super().__iter__()

    def _rest_of_stream(self, number: int, begun: int) -> Iterator[Any]:
        """A stream goes on where it was; after an interruption it is read forward to there."""
        if self._stream is None or self._stream[0] != (number, begun):
            self._seed_workers("workers/0", number)
            stream = super().__iter__()
            if begun:
                self._once.tell("read_forward", {"batches": begun})
                with borrowed_generators():
                    deque(islice(stream, begun), maxlen=0)
            self._stream = (number, begun), stream
        for batch in self._stream[1]:
            self._stream = (number, self._stream[0][1] + 1), self._stream[1]
            yield batch
