"""Units dropped for a whole batch, which multiplications leave out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import Conv2d
from torch.nn import functional as F

from droplab import nn
from droplab.layers.layer import DropLayer
from droplab.testing.laws.oracle import Oracle
from droplab.variants.catalog import CATALOG


def linear(layer: Any, x: Tensor) -> Tensor:
    """The linear layer without dropout."""
    return F.linear(x, layer.weight, layer.bias)


def conv2d(layer: Any, x: Tensor) -> Tensor:
    """The convolution without dropout."""
    return F.conv2d(x, layer.weight, layer.bias)


def in_turn(layer: DropLayer, x: Tensor) -> Tensor:
    """The modules within, without dropout."""
    for part in layer.children():
        x = part(x)
    return x


def of_zeros(layer: Any, x: Tensor) -> Tensor:
    """What is left where all inputs are dropped."""
    return (conv2d if isinstance(layer, Conv2d) else linear)(layer, torch.zeros_like(x))


def last_of_zeros(layer: DropLayer, x: Tensor) -> Tensor:
    """What is left where all hidden units are dropped."""
    last: Any = list(layer.children())[-1]
    return linear(last, x.new_zeros(*x.shape[:-1], last.in_features))


def linear_moments(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Of ``(x m / (1 - p)) Wᵀ + b``: each unit is one term, whose variance is ``(w x)² p / (1 - p)``.

    >>> mean, variance = linear_moments(nn.UnitDropoutLinear(4, 2, p=0.5), torch.zeros(4))
    >>> variance
    tensor([0., 0.], grad_fn=<MulBackward0>)
    """
    p = float(layer.p)
    return linear(layer, x), F.linear(x.square(), layer.weight.square()) * (p / (1 - p))


def conv2d_moments(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Of a convolution: each channel is one term.

    >>> mean, variance = conv2d_moments(nn.UnitDropoutConv2d(4, 2, 1, p=0.5), torch.zeros(1, 4, 1, 1))
    >>> variance.flatten()
    tensor([0., 0.], grad_fn=<ViewBackward0>)
    """
    p = float(layer.p)
    terms = [F.conv2d(x[:, c : c + 1], layer.weight[:, c : c + 1]) for c in range(x.shape[1])]
    return conv2d(layer, x), torch.stack(terms).square().sum(0) * (p / (1 - p))


def mlp_moments(layer: DropLayer, x: Tensor) -> tuple[Tensor, Tensor]:
    """Of one hidden layer: each of its units is one term.

    >>> mean, variance = mlp_moments(nn.UnitDropoutMLP([4, 8, 2], p=0.0), torch.ones(4))
    >>> variance
    tensor([0., 0.], grad_fn=<MulBackward0>)
    """
    first, act, last = layer.children()
    p = float(layer.p)
    values = act(first(x))
    units: Any = last
    return last(values), F.linear(values.square(), units.weight.square()) * (p / (1 - p))


def _seeded(layer: type[DropLayer], *sizes: Any, p: float) -> DropLayer:
    """With the same weights at each call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = layer(*sizes, p=p)
    return made.double()


ORACLES = (
    Oracle(
        CATALOG["unit_dropout_linear"],
        linear_moments,
        (16, 24),
        make=lambda p: _seeded(nn.UnitDropoutLinear, 24, 6, p=p),
        refuses=(0,),
        at_eval=linear,
        at_zero=linear,
        at_one=of_zeros,
        per_sample=False,
    ),
    Oracle(
        CATALOG["unit_dropout_conv2d"],
        conv2d_moments,
        (16, 8, 4, 3),
        make=lambda p: _seeded(nn.UnitDropoutConv2d, 8, 4, 3, p=p),
        ranks=(3, 4),
        refuses=(2, 5),
        at_eval=conv2d,
        at_zero=conv2d,
        at_one=of_zeros,
        per_sample=False,
    ),
    Oracle(
        CATALOG["unit_dropout_mlp"],
        mlp_moments,
        (16, 24),
        make=lambda p: _seeded(nn.UnitDropoutMLP, [24, 32, 6], p=p),
        refuses=(0,),
        at_eval=in_turn,
        at_zero=in_turn,
        at_one=last_of_zeros,
        per_sample=False,
    ),
)
