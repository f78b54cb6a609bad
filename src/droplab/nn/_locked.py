"""Locked dropout as a layer."""

from __future__ import annotations

from torch import Tensor

from droplab.functional.structured import locked_dropout
from droplab.nn.layer import DropLayer


class LockedDropout(DropLayer):
    """Dropout with one mask for all time steps in training; identity in eval.

    See ``droplab.functional.locked_dropout``.

    Args:
        p: drop rate in [0, 1].
        batch_first: ``(N, T, H)`` where true, ``(T, N, H)`` where false.

    >>> LockedDropout(0.2)
    LockedDropout(p=0.2, batch_first=True)
    """

    def __init__(self, p: float | Tensor = 0.5, batch_first: bool = True) -> None:
        super().__init__()
        self.p = p
        self.batch_first = batch_first
        self.batch_dim = 0 if batch_first else 1

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, T, H)`` to the same shape."""
        if not self.training:
            return input
        return locked_dropout(input, self._current_rate(), batch_first=self.batch_first, key=self._key(input))

    def extra_repr(self) -> str:
        """Rate and layout."""
        return f"{super().extra_repr()}, batch_first={self.batch_first}"
