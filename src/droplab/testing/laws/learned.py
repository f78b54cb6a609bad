"""What adapts to the unit, or learns its rate: standout, concrete and variational dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Linear
from torch.nn import functional as F

from droplab import nn
from droplab.layers.layer import DropLayer
from droplab.testing.laws.oracle import Oracle
from droplab.variants.catalog import CATALOG

_DRAWS = 1 << 16
"""Points of the quadrature over a uniform number."""


def _filled(
    layer: Callable[..., DropLayer], *sizes: int, scale: float = 1.0, **options: Any
) -> Callable[[float], DropLayer]:
    """A maker of layers of float64 with the same weights each time, none near zero."""

    def make(p: float) -> DropLayer:
        made = layer(*sizes, p=0.0, dtype=torch.float64, device="cpu", **options)
        weights: Any = made
        with torch.no_grad():
            for number, values in enumerate((weights.weight, weights.bias)):
                places = torch.arange(values.numel(), dtype=torch.float64).reshape(values.shape)
                signs = torch.where(places * 7 % 3 == 0, -scale, scale)
                values.copy_((0.3 + 0.2 * (places * (2 + number)).sin()) * signs)
        made.p = p
        return made

    return make


def _plain(layer: Any, x: Tensor) -> Tensor:
    """The layer without noise: its torch twin."""
    return _with(layer, x, layer.weight, layer.bias)


def _with(layer: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if isinstance(layer, Linear):
        return F.linear(x, weight, bias)
    return F.conv2d(x, weight, bias, layer.stride, layer.padding)


def _expected(layer: Any, x: Tensor) -> Tensor:
    a = _plain(layer, x)
    return a * torch.sigmoid(layer.alpha * a - torch.logit(torch.tensor(layer.p, dtype=a.dtype)))


def _standout(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    a, mean = _plain(layer, x), _expected(layer, x)
    return mean, mean * (a - mean)


def _silent(layer: Any, x: Tensor) -> Tensor:
    return torch.zeros_like(_plain(layer, x))


def _gaussian(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments where the weights have variance ``w² p / (1 - p)``."""
    ratio = layer.p / (1 - layer.p)
    return _plain(layer, x), ratio * _with(layer, x.square(), layer.weight.square(), None)


def _concrete(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments by quadrature over the uniform number of one mask, then over independent inputs (or channels)."""
    u = (torch.arange(_DRAWS, dtype=torch.float64) + 0.5) / _DRAWS
    kept = torch.sigmoid(-(torch.logit(torch.tensor(layer.p, dtype=u.dtype)) + torch.logit(u)) / layer.temperature)
    kept = kept / (1 - layer.p)
    mean = _with(layer, kept.mean() * x, layer.weight, layer.bias)
    parts = []
    for unit in range(layer.weight.shape[1]):
        alone = torch.zeros_like(x)
        alone[:, unit] = x[:, unit]
        parts.append(_with(layer, alone, layer.weight, None))
    return mean, kept.var(correction=0) * torch.stack(parts).square().sum(0)


ORACLES = (
    Oracle(
        CATALOG["standout"],
        _standout,
        (16, 24),
        make=_filled(nn.LinearStandout, 24, 6, scale=0.2),
        at_eval=_expected,
        at_zero=_plain,
        at_one=_silent,
    ),
    Oracle(
        CATALOG["concrete_dropout_linear"],
        _concrete,
        (16, 24),
        make=_filled(nn.ConcreteDropoutLinear, 24, 6),
        at_eval=_plain,
        at_zero=_plain,
        at_one=None,
    ),
    Oracle(
        CATALOG["concrete_dropout_conv2d"],
        _concrete,
        (16, 4, 5, 3),
        make=_filled(nn.ConcreteDropoutConv2d, 4, 3, 3, padding=1),
        ranks=(3, 4),
        refuses=(2, 5),
        at_eval=_plain,
        at_zero=_plain,
        at_one=None,
    ),
    Oracle(
        CATALOG["variational_dropout_linear"],
        _gaussian,
        (16, 24),
        make=_filled(nn.VariationalDropoutLinear, 24, 6, per="unit"),
        at_eval=_plain,
        at_zero=_plain,
        at_one=None,
        highest=0.5,
    ),
    Oracle(
        CATALOG["sparse_variational_linear"],
        _gaussian,
        (16, 24),
        make=_filled(nn.SparseVariationalLinear, 24, 6),
        at_eval=_plain,
        at_zero=_plain,
        at_one=None,
    ),
    Oracle(
        CATALOG["sparse_variational_conv2d"],
        _gaussian,
        (16, 4, 5, 3),
        make=_filled(nn.SparseVariationalConv2d, 4, 3, 3, padding=1),
        ranks=(3, 4),
        refuses=(2, 5),
        at_eval=_plain,
        at_zero=_plain,
        at_one=None,
    ),
)
