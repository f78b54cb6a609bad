"""Stochastic depth as a layer."""

from __future__ import annotations

from torch import Tensor

from droplab.errors import UserError
from droplab.functional.structured import drop_path
from droplab.nn.layer import DropLayer


class DropPath(DropLayer):
    """Drop whole residual branches in training; identity in eval.

    See ``droplab.functional.drop_path``.

    Args:
        p: drop rate in [0, 1].
        mode: ``"row"``, a draw for each sample, or ``"batch"``, one for all.

    >>> DropPath(0.2)
    DropPath(p=0.2, mode='row')
    """

    def __init__(self, p: float | Tensor = 0.5, mode: str = "row") -> None:
        super().__init__()
        if mode not in {"row", "batch"}:
            raise UserError(f"DropPath got mode {mode!r}; 'row' or 'batch' is wanted")
        self.p = p
        self.mode = mode
        self.batch_dim = 0 if mode == "row" else None

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, *)`` to the same shape."""
        if not self.training:
            return input
        return drop_path(input, self._current_rate(), mode=self.mode, key=self._key(input))

    def extra_repr(self) -> str:
        """Rate and mode."""
        return f"{super().extra_repr()}, mode={self.mode!r}"
