"""What adapts to the unit, or learns its rate: standout, concrete and variational dropout."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from droplab import nn
from droplab.testing.laws.oracle import Oracle
from droplab.testing.laws.twins import applied, filled, noisy, plain, silent
from droplab.variants.catalog import CATALOG

_DRAWS = 1 << 16
"""Points of the quadrature over a uniform number."""


def _expected(layer: Any, x: Tensor) -> Tensor:
    a = plain(layer, x)
    return a * torch.sigmoid(layer.alpha * a - torch.logit(torch.tensor(layer.p, dtype=a.dtype)))


def _standout(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    a, mean = plain(layer, x), _expected(layer, x)
    return mean, mean * (a - mean)


def _concrete(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments by quadrature over the uniform number of one mask, then over independent inputs (or channels)."""
    u = (torch.arange(_DRAWS, dtype=torch.float64) + 0.5) / _DRAWS
    kept = torch.sigmoid(-(torch.logit(torch.tensor(layer.p, dtype=u.dtype)) + torch.logit(u)) / layer.temperature)
    kept = kept / (1 - layer.p)
    mean = applied(layer, kept.mean() * x, layer.weight, layer.bias)
    parts = []
    for unit in range(layer.weight.shape[1]):
        alone = torch.zeros_like(x)
        alone[:, unit] = x[:, unit]
        parts.append(applied(layer, alone, layer.weight))
    return mean, kept.var(correction=0) * torch.stack(parts).square().sum(0)


_LEARNED: Any = {"shape": (16, 24), "at_eval": plain, "at_zero": plain, "at_one": None}
_IMAGES: Any = {**_LEARNED, "shape": (16, 4, 5, 3), "ranks": (3, 4), "refuses": (2, 5)}
ORACLES = (
    Oracle(
        CATALOG["standout"], _standout, (16, 24),
        make=filled(nn.LinearStandout, 24, 6, scale=0.2), at_eval=_expected, at_zero=plain, at_one=silent,
    ),
    Oracle(CATALOG["concrete_dropout_linear"], _concrete, make=filled(nn.ConcreteDropoutLinear, 24, 6), **_LEARNED),
    Oracle(
        CATALOG["concrete_dropout_conv2d"], _concrete,
        make=filled(nn.ConcreteDropoutConv2d, 4, 3, 3, padding=1), **_IMAGES,
    ),
    Oracle(
        CATALOG["variational_dropout_linear"], noisy,
        make=filled(nn.VariationalDropoutLinear, 24, 6, per="unit"), highest=0.5, **_LEARNED,
    ),
    Oracle(CATALOG["sparse_variational_linear"], noisy, make=filled(nn.SparseVariationalLinear, 24, 6), **_LEARNED),
    Oracle(
        CATALOG["sparse_variational_conv2d"], noisy,
        make=filled(nn.SparseVariationalConv2d, 4, 3, 3, padding=1), **_IMAGES,
    ),
)  # fmt: skip
