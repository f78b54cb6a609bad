"""Dropout of attention heads as a layer."""

from __future__ import annotations

from torch import Tensor

from droplab.functional.structured import check_head_dim, drop_head
from droplab.nn.layer import DropLayer


class DropHead(DropLayer):
    """Drop whole attention heads of each sample in training; identity in eval.

    See ``droplab.functional.drop_head``.

    Args:
        p: drop rate in [0, 1].
        head_dim: the dimension of heads: 1 for ``(N, H, T, D)``, 2 for ``(N, T, H, D)``.

    >>> DropHead(0.2)
    DropHead(p=0.2, head_dim=1)
    """

    def __init__(self, p: float | Tensor = 0.5, head_dim: int = 1) -> None:
        super().__init__()
        check_head_dim(head_dim)
        self.p = p
        self.head_dim = head_dim

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, H, T, D)`` to the same shape."""
        if not self.training:
            return input
        return drop_head(input, self._current_rate(), head_dim=self.head_dim, key=self._key(input))

    def extra_repr(self) -> str:
        """Rate and the dimension of heads."""
        return f"{super().extra_repr()}, head_dim={self.head_dim}"
