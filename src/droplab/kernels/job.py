"""What a kernel is asked to do: a key, a drop rate, a law, and along which dimensions the mask is shared."""

from __future__ import annotations

import enum
import math
from typing import NamedTuple

from torch import Tensor

from droplab import rng

ALPHA = 1.7580993408473766
"""Minus the value that SELU takes at minus infinity; what alpha dropout drops to (before its affine map)."""


class Law(enum.IntEnum):
    """What becomes of kept and dropped units."""

    PLAIN = 0
    """Kept: ``x s``; dropped: 0; ``s`` the scale of the effective rate."""
    ALPHA = 1
    """Kept: ``a x + b``; dropped: ``c``; mean and variance of a SELU's output are kept."""
    ALPHA_LINEAR = 2
    """Kept: ``a x``; dropped: 0: alpha dropout's derivative."""

    @property
    def derivative(self) -> Law:
        """The law of gradients and tangents."""
        return Law.PLAIN if self is Law.PLAIN else Law.ALPHA_LINEAR

    def coefficients(self, limit: int) -> tuple[float, float, float]:
        """``(a, b, c)`` for a threshold: kept units become ``a x + b``, dropped ones ``c``.

        >>> Law.PLAIN.coefficients(rng.threshold(0.5))
        (2.0, 0.0, 0.0)
        """
        if self is Law.PLAIN:
            return rng.keep_scale(limit), 0.0, 0.0
        rate = limit / rng.FULL
        if rate >= 1:
            return 0.0, 0.0, 0.0  # torch's alpha dropout gives zeros at p = 1
        a = 1 / math.sqrt((ALPHA * ALPHA * rate + 1) * (1 - rate))  # a power would round differently elsewhere
        if self is Law.ALPHA_LINEAR:
            return a, 0.0, 0.0
        return a, ALPHA * a * rate, ALPHA * a * (rate - 1)


class Job(NamedTuple):
    """All that decides a mask and its use, beside the tensor itself. Immutable; holds no tensor of the input's size.

    ``seed``, ``step`` and ``samples`` may be 0-d integer tensors, which a GPU's kernel reads where they are.
    """

    p: float | Tensor
    """Drop rate in [0, 1]; a 0-d tensor keeps schedules from recompiling."""
    seed: int | Tensor
    """64 bits."""
    step: int | Tensor = 0
    layer: int = 0
    """32 bits; ``rng.layer_id`` of a name."""
    samples: int | Tensor = 0
    """Sample ids: ``(N,)`` along ``batch_dim``; or the id of the first sample, from which the others count up;
    without a ``batch_dim``, the id of all."""
    batch_dim: int | None = None
    """The dimension of samples, from 0; without one, the whole tensor is one sample."""
    shared: tuple[int, ...] = ()
    """Dimensions along which one draw is shared."""
    law: Law = Law.PLAIN

    def derivative(self) -> Job:
        """The same mask, for gradients and tangents."""
        return self if self.law is Law.PLAIN else self._replace(law=Law.ALPHA_LINEAR)
