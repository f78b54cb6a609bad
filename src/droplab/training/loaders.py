"""The loaders of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from torch.utils.data import IterableDataset

from droplab.errors import UserError
from droplab.languages import Count
from droplab.training.desk import Desk
from droplab.training.loader import RunLoader
from droplab.training.once import Once
from droplab.training.progress import Progress
from droplab.training.ranks import Ranks


@final
class Loaders:
    """Numbers those that are shuffled, so that each has an order of its own.

    Those that are made before the epochs are numbered once, those that are made within one in each.
    """

    def __init__(self, seed: int, progress: Progress, once: Once, ranks: Ranks) -> None:
        self._seed, self._progress, self._once, self._ranks = seed, progress, once, ranks
        self._training: list[RunLoader] = []
        self.desk = Desk()
        self.first: RunLoader | None = None
        """The first of those that are shuffled."""
        self._count = self._before = 0
        self._first_batches: list[str] = []

    def make(self, dataset: Any, shuffle: bool, options: dict[str, Any]) -> RunLoader:
        """See ``Run.loader``."""
        shuffled = shuffle and not isinstance(dataset, IterableDataset)
        found = RunLoader(
            dataset,
            desk=self.desk,
            progress=self._progress,
            seed=self._seed,
            number=self._count if shuffled else None,
            begun=self._first_batches.append,
            once=self._once,
            trains=shuffle,
            ranks=self._ranks,
            options=options,
        )
        if shuffle and self._progress.unit is None:
            self._training.append(found)
        elif shuffle:
            raise UserError(
                "run.loader came within an epoch that is so many steps; make the loader before run.epochs(…, unit=…), "
                "so that it can go on in the middle of a pass"
            )
        if shuffled:
            self._count += 1
            if self.first is None:
                self.first = found
                if self._progress.epochs is not None and self._progress.per_epoch is None:
                    self._progress.per_epoch = len(found)
        return found

    def epochs_begin(self) -> None:
        """What is made from now on belongs to an epoch."""
        self._before = self._count

    def epoch_begins(self) -> None:
        """What the epoch before has made is counted no more."""
        self._count = self._before

    def state(self) -> list[list[int]]:
        """For checkpoints: how far each loader is, where epochs are so many steps."""
        return [] if self._progress.unit is None else [list(loader.position) for loader in self._training]

    def load_state(self, state: Sequence[Sequence[int]]) -> None:
        """The inverse.

        Raises:
            UserError: the loop has other loaders now, or had epochs of another kind.
        """
        loaders = [] if self._progress.unit is None else self._training
        if len(state) != len(loaders):
            raise UserError(
                f"the checkpoint knows the place of {Count(len(state)):loader|loaders}, and the loop has "
                f"{len(loaders)} now that go on in the middle of a pass (run.epochs(…, unit=…)); bring the old loop "
                "back, or start anew with fresh=True"
            )
        for loader, (number, begun) in zip(loaders, state, strict=True):
            loader.position = number, begun

    def take_first_batches(self) -> str:
        """Digests of the first batches since the last call."""
        found = " ".join(self._first_batches)
        self._first_batches.clear()
        return found
