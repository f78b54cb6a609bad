"""Where a run is: its epoch, its step, and what is known of their number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Progress:
    """Counted from 0.

    >>> progress = Progress(step=12, epochs=3, per_epoch=10)
    >>> progress.begin(1)
    >>> progress.step += 4
    >>> progress.place(), progress.counted
    ((14, 30), 1)
    """

    step: int = 0
    epoch: int = 0
    epochs: int | None = None
    """In all; ``None`` where the loop has not said."""
    per_epoch: int | None = None
    """Steps of an epoch, as far as is known."""
    began_at: int = 0
    """The step with which the epoch began."""

    def begin(self, epoch: int) -> None:
        """An epoch begins."""
        self.epoch, self.began_at = epoch, self.step

    @property
    def counted(self) -> int | None:
        """The epoch, where the loop has said how many there are."""
        return None if self.epochs is None else self.epoch

    def place(self) -> tuple[int, int]:
        """For schedules: how far the training is, and how long it is, in steps; or in epochs, where these are unknown.

        The loop has said how many epochs there are.
        """
        assert self.epochs is not None
        each = self.per_epoch
        if not each:
            return self.epoch, self.epochs
        return self.epoch * each + min(self.step - self.began_at, each - 1), each * self.epochs

    def end(self, *, count: bool) -> None:
        """An epoch has ended; ``count`` takes its steps as those of each."""
        if count and self.step > self.began_at:
            self.per_epoch = self.step - self.began_at
