"""The loaders of a run."""

from __future__ import annotations

from typing import Any, final

from torch.utils.data import IterableDataset

from droplab.training.loader import Desk, RunLoader
from droplab.training.progress import Progress


@final
class Loaders:
    """Numbers those that are shuffled, so that each has an order of its own.

    Those that are made before the epochs are numbered once, those that are made within one in each.
    """

    def __init__(self, seed: int, progress: Progress) -> None:
        self._seed, self._progress = seed, progress
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
            clock=lambda: self._progress.counted,
            seed=self._seed,
            number=self._count if shuffled else None,
            begun=self._first_batches.append,
            options=options,
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

    def take_first_batches(self) -> str:
        """Digests of the first batches since the last call."""
        found = " ".join(self._first_batches)
        self._first_batches.clear()
        return found
