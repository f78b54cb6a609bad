"""Gaussian noise."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from droplab import nn
from droplab.nn.catalog.row import Variant, ordinary, scaled


def added(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of ``x + scale p ε``.

    >>> added(nn.GaussianNoise(0.5, scale=2.0), torch.tensor(3.0))
    (tensor(3.), tensor(1.))
    """
    return x, torch.full_like(x, (layer.scale * float(layer.p)) ** 2)


ROWS = (
    Variant(
        "gaussian_dropout",
        nn.GaussianDropout,
        "Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014, section 10",
        "y = x (1 + ε √(p / (1 - p))), ε standard normal",
        "nothing",
        scaled,
        (16, 24),
        at_one=None,
    ),
    Variant(
        "gaussian_noise",
        nn.GaussianNoise,
        "Bishop, Training with noise is equivalent to Tikhonov regularization, Neural Computation 1995",
        "y = x + scale p ε, ε standard normal",
        "nothing",
        added,
        (16, 24),
        at_one=ordinary,
        deviations="p, the standard deviation, is in [0, 1] as everywhere, hence the factor scale",
    ),
)
