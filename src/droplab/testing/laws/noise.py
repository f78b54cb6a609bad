"""Gaussian noise."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from droplab.testing.laws.oracle import Oracle, ordinary, scaled
from droplab.variants.catalog import CATALOG


def added(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of ``x + scale p ε``.

    >>> from droplab import nn
    >>> added(nn.GaussianNoise(0.5, scale=2.0), torch.tensor(3.0))
    (tensor(3.), tensor(1.))
    """
    return x, torch.full_like(x, (layer.scale * float(layer.p)) ** 2)


ORACLES = (
    Oracle(CATALOG["gaussian_dropout"], scaled, (16, 24), at_one=None),
    Oracle(CATALOG["gaussian_noise"], added, (16, 24), at_one=ordinary),
)
