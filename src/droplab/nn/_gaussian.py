"""Gaussian noise as layers."""

from __future__ import annotations

from torch import Tensor

from droplab.functional.gaussian import check_scale, gaussian_dropout, gaussian_noise
from droplab.nn.layer import DropLayer


class GaussianDropout(DropLayer):
    """Multiply by normal numbers with the moments of dropout's mask in training; identity in eval.

    See ``droplab.functional.gaussian_dropout``.

    Args:
        p: drop rate of the dropout whose moments are taken, in [0, 1).

    >>> GaussianDropout(0.2)
    GaussianDropout(p=0.2)
    """

    def __init__(self, p: float | Tensor = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Any shape to the same shape."""
        if not self.training:
            return input
        return gaussian_dropout(input, self._current_rate(), key=self._key(input))


class GaussianNoise(DropLayer):
    """Add normal numbers of standard deviation ``scale p`` in training; identity in eval.

    See ``droplab.functional.gaussian_noise``. In an arm ``p`` is the standard deviation; for more than 1 give the
    layer a ``scale``.

    Args:
        p: strength in [0, 1].
        scale: the standard deviation at ``p = 1``.

    >>> GaussianNoise(0.2, scale=5.0)
    GaussianNoise(p=0.2, scale=5.0)
    """

    def __init__(self, p: float | Tensor = 0.1, scale: float = 1.0) -> None:
        super().__init__()
        check_scale(scale)
        self.p = p
        self.scale = scale

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Any shape to the same shape."""
        if not self.training:
            return input
        return gaussian_noise(input, self._current_rate(), scale=self.scale, key=self._key(input))

    def extra_repr(self) -> str:
        """Strength and scale."""
        return f"{super().extra_repr()}, scale={self.scale}"
