"""Units dropped for a whole batch, which multiplications leave out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab import nn
from droplab.layers.layer import DropLayer
from droplab.testing.laws.oracle import Oracle
from droplab.testing.laws.twins import applied, filled, noisy, odds, plain
from droplab.variants.catalog import CATALOG


def in_turn(layer: DropLayer, x: Tensor) -> Tensor:
    """The modules within, without dropout."""
    for part in layer.children():
        x = part(x)
    return x


def of_zeros(layer: Any, x: Tensor) -> Tensor:
    """What is left where all inputs are dropped."""
    return plain(layer, torch.zeros_like(x))


def last_of_zeros(layer: DropLayer, x: Tensor) -> Tensor:
    """What is left where all hidden units are dropped."""
    last: Any = list(layer.children())[-1]
    return plain(last, x.new_zeros(*x.shape[:-1], last.in_features))


def conv2d_moments(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Of a convolution: each channel is one term, as each unit is of a linear layer.

    >>> mean, variance = conv2d_moments(nn.UnitDropoutConv2d(4, 2, 1, p=0.5), torch.zeros(1, 4, 1, 1))
    >>> variance.flatten()
    tensor([0., 0.], grad_fn=<ViewBackward0>)
    """
    terms = [applied(layer, x[:, c : c + 1], layer.weight[:, c : c + 1]) for c in range(x.shape[1])]
    return plain(layer, x), torch.stack(terms).square().sum(0) * odds(layer)


def mlp_moments(layer: DropLayer, x: Tensor) -> tuple[Tensor, Tensor]:
    """Of one hidden layer: each of its units is one term.

    >>> mean, variance = mlp_moments(nn.UnitDropoutMLP([4, 8, 2], p=0.0), torch.ones(4))
    >>> variance
    tensor([0., 0.], grad_fn=<MulBackward0>)
    """
    first, act, last = layer.children()
    values = act(first(x))
    units: Any = last
    return last(values), F.linear(values.square(), units.weight.square()) * odds(layer)


_UNITS: Any = {"at_eval": plain, "at_zero": plain, "at_one": of_zeros, "per_sample": False}
ORACLES = (
    Oracle(
        CATALOG["unit_dropout_linear"], noisy, (16, 24),
        make=filled(nn.UnitDropoutLinear, 24, 6), refuses=(0,), **_UNITS,
    ),
    Oracle(
        CATALOG["unit_dropout_conv2d"], conv2d_moments, (16, 8, 4, 3),
        make=filled(nn.UnitDropoutConv2d, 8, 4, 3), ranks=(3, 4), refuses=(2, 5), **_UNITS,
    ),
    Oracle(
        CATALOG["unit_dropout_mlp"], mlp_moments, (16, 24),
        make=filled(nn.UnitDropoutMLP, [24, 32, 6]), refuses=(0,), at_eval=in_turn, at_zero=in_turn,
        at_one=last_of_zeros, per_sample=False,
    ),
)  # fmt: skip
