"""Where a run is: its epoch, its step, and what is known of their number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from droplab.errors import UserError, quote
from droplab.languages import Count


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
    unit: int | None = None
    """Steps of an epoch, where that is what an epoch is; ``None`` where the loop decides when one ends."""
    began_at: int = 0
    """The step with which the epoch began."""

    def begin(self, epoch: int) -> None:
        """An epoch begins."""
        self.epoch, self.began_at = epoch, self.step

    @property
    def counted(self) -> int | None:
        """The epoch, where the loop has said how many there are."""
        return None if self.epochs is None else self.epoch

    @property
    def over(self) -> bool:
        """Whether the epoch has had its steps, where it is so many."""
        return self.unit is not None and self.step - self.began_at >= self.unit

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
        """An epoch has ended; ``count`` takes its steps as those of each.

        Raises:
            UserError: an epoch is so many steps, and it had more or fewer.
        """
        steps = self.step - self.began_at
        if self.unit is not None and steps != self.unit:
            raise UserError(
                f"epoch {self.epoch + 1} had {Count(steps):step|steps}, and unit says {self.unit}; take the batches "
                "from a run.loader, which gives as many as that, with one run.step each"
            )
        if count and steps:
            self.per_epoch = steps


def read_unit(unit: str) -> int:
    """The steps of an epoch.

    Raises:
        UserError: something else is asked for.

    >>> read_unit("500 steps")
    500
    """
    found = re.fullmatch(r"\s*([0-9_]*[0-9])\s+steps?\s*", unit) if isinstance(unit, str) else None
    if found is None or not int(found[1]):
        raise UserError(f"run.epochs got unit={quote(unit)}; a number of steps is wanted, such as '500 steps'")
    return int(found[1])
