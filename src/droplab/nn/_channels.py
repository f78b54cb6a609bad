"""Dropout of whole channels as layers."""

from __future__ import annotations

from torch import Tensor, nn

from droplab import functional
from droplab.functional.key import Key
from droplab.nn.layer import DropLayer


class _Channels(DropLayer):
    """What the three share: an input without a sample dimension is one sample."""

    def _key_of(self, input: Tensor, batched: bool) -> Key | None:  # noqa: A002  # torch's name
        return self._key(input if batched else input.unsqueeze(0))


class Dropout1d(_Channels, nn.Dropout1d):
    """Drop whole channels of ``(N, C, L)`` or ``(C, L)`` in training; identity in eval.

    See ``droplab.functional.dropout1d``. In the place of ``torch.nn.Dropout1d``, which it is a subclass of.

    >>> Dropout1d(0.2)
    Dropout1d(p=0.2, inplace=False)
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, C, L)`` or ``(C, L)`` to the same shape."""
        key = self._key_of(input, input.ndim != 2) if self.training else None
        return functional.dropout1d(input, self._current_rate(), self.training, self.inplace, key=key)


class Dropout2d(_Channels, nn.Dropout2d):
    """Drop whole channels of ``(N, C, H, W)`` in training; identity in eval.

    See ``droplab.functional.dropout2d``. In the place of ``torch.nn.Dropout2d``, which it is a subclass of.

    >>> Dropout2d(0.2)
    Dropout2d(p=0.2, inplace=False)
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, C, H, W)`` to the same shape."""
        key = self._key(input) if self.training else None
        return functional.dropout2d(input, self._current_rate(), self.training, self.inplace, key=key)


class Dropout3d(_Channels, nn.Dropout3d):
    """Drop whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` in training; identity in eval.

    See ``droplab.functional.dropout3d``. In the place of ``torch.nn.Dropout3d``, which it is a subclass of.

    >>> Dropout3d(0.2)
    Dropout3d(p=0.2, inplace=False)
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, C, D, H, W)`` or ``(C, D, H, W)`` to the same shape."""
        key = self._key_of(input, input.ndim == 5) if self.training else None
        return functional.dropout3d(input, self._current_rate(), self.training, self.inplace, key=key)
