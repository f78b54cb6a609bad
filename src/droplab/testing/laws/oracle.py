"""What a layer of a kind must give, computed without drawing: the judge of ``LayerContract``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import torch
from torch import Tensor

from droplab.kernels.job import ALPHA
from droplab.layers.layer import DropLayer
from droplab.variants.kind import Kind

Moments = Callable[[Any, Tensor], tuple[Tensor, Tensor]]
"""From a layer and an input to the mean and the variance of each element of the output in training."""
Output = Callable[[Any, Tensor], Tensor]
"""From a layer and an input to an output that needs no draw."""


def same(layer: DropLayer, x: Tensor) -> Tensor:  # noqa: ARG001  # one signature for all
    """The input itself."""
    return x


def zeros(layer: DropLayer, x: Tensor) -> Tensor:  # noqa: ARG001
    """Zeros like the input."""
    return torch.zeros_like(x)


def ordinary(layer: DropLayer, x: Tensor) -> Tensor:  # noqa: ARG001
    """Stands for an output that is random: ``p = 1`` is a rate like any other."""
    return x


def scaled(layer: DropLayer, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of ``x m / (1 - p)`` with ``m`` 0 with probability ``p``, else 1; of ``x (1 + ε √(p/(1-p)))`` too.

    >>> import torch, droplab
    >>> scaled(droplab.nn.Dropout(0.5), torch.tensor(2.0))
    (tensor(2.), tensor(4.))
    """
    p = float(layer.p)
    return x, x.square() * (p / (1 - p))


def affine(layer: DropLayer, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of alpha dropout: kept elements ``a x + b``, dropped ones ``-a α + b``.

    >>> import torch, droplab
    >>> x = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    >>> mean, variance = affine(droplab.nn.AlphaDropout(0.5), x)
    >>> print(f"{mean.mean():.1f} {mean.var() + variance.mean():.1f}")  # those of its input
    -0.0 1.0
    """
    p = float(layer.p)
    a = ((ALPHA * ALPHA * p + 1) * (1 - p)) ** -0.5
    return a * ((1 - p) * x - p * ALPHA) + ALPHA * a * p, (a * (x + ALPHA)).square() * (p * (1 - p))


@dataclass(frozen=True)
class Oracle:
    """What the contract holds a kind to."""

    kind: Kind
    """Its row of the catalog, or one of your own."""
    moments: Moments
    """Mean and variance in training."""
    shape: tuple[int, ...]
    """An input that it takes, samples first; enough units that two masks differ."""
    _: KW_ONLY
    make: Callable[[float], DropLayer] | None = None
    """A layer of a rate, for that input; the class called with ``p`` alone where ``None``."""
    ranks: tuple[int, ...] | None = None
    """Numbers of dimensions that it takes; any where ``None``."""
    refuses: tuple[int, ...] = ()
    """Numbers of dimensions that raise ``RankError``."""
    at_eval: Output = same
    """The output in eval mode; ``same`` means the input itself, not a copy."""
    at_zero: Output = same
    """The output in training for ``p = 0``."""
    at_one: Output | None = zeros
    """The output in training for ``p = 1``; ``None`` where that raises, ``ordinary`` where ``p = 1`` is not special."""
    highest: float = 1.0
    """The highest rate that it takes."""
    per_sample: bool = True
    """Whether each sample has draws of its own."""
    shaped_by_rate: bool = False
    """Whether ``p`` decides about the output's shape, so that a graph holds for one rate."""
    vocabulary: int | None = None
    """Where its input is integers: below which number. Gradients are then those of its first parameter."""
    refusals: Mapping[str, str] = field(default_factory=dict)
    """Transforms (of ``droplab.testing.transforms.TRANSFORMS``) that have no meaning for it, and words of the error."""

    def build(self, p: float) -> DropLayer:
        """A layer that takes an input of ``shape``."""
        return self.kind.layer(p) if self.make is None else self.make(p)
