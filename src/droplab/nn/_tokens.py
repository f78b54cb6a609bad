"""Dropout of whole tokens as layers."""

from __future__ import annotations

from torch import Tensor

from droplab.functional.tokens import check_prefix, patch_dropout, token_dropout
from droplab.nn.layer import DropLayer


class TokenDropout(DropLayer):
    """Set whole tokens of ``(N, T, D)`` to zero in training; identity in eval.

    See ``droplab.functional.token_dropout``.

    Args:
        p: drop rate in [0, 1].
        prefix: tokens at the front that are never dropped.

    >>> TokenDropout(0.2)
    TokenDropout(p=0.2, prefix=0)
    """

    def __init__(self, p: float | Tensor = 0.5, prefix: int = 0) -> None:
        super().__init__()
        check_prefix(prefix, type(self).__name__)
        self.p = p
        self.prefix = prefix

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, T, D)`` to the same shape."""
        if not self.training:
            return input
        return token_dropout(input, self._current_rate(), prefix=self.prefix, key=self._key(input))

    def extra_repr(self) -> str:
        """Rate and prefix."""
        return f"{super().extra_repr()}, prefix={self.prefix}"


class PatchDropout(TokenDropout):
    """Take a share of the tokens of ``(N, T, D)`` out in training, which makes what follows cheaper; identity in eval.

    See ``droplab.functional.patch_dropout``. A model compiled with it is compiled anew where ``p`` changes the number
    of tokens kept.

    Args:
        p: share of tokens to take out, in [0, 1].
        prefix: tokens at the front that always stay.

    >>> PatchDropout(0.5, prefix=1)
    PatchDropout(p=0.5, prefix=1)
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, prefix + T, D)`` to ``(N, prefix + K, D)``."""
        if not self.training:
            return input
        return patch_dropout(input, self.p, prefix=self.prefix, key=self._key(input))
