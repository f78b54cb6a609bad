"""What layers with weights are without dropout, and makers of such layers whose weights are the same each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Linear
from torch.nn import functional as F

from droplab.layers.layer import DropLayer


def filled(
    layer: Callable[..., DropLayer], *sizes: Any, scale: float = 1.0, **options: Any
) -> Callable[[float], DropLayer]:
    """A maker of layers of float64 with the same weights each time, none near zero.

    >>> from droplab import nn
    >>> make = filled(nn.WeightDropLinear, 4, 2, scale=0.5)
    >>> bool((make(0.1).weight.abs() >= 0.05).all()), torch.equal(make(0.1).weight, make(0.2).weight)
    (True, True)
    """

    def make(p: float) -> DropLayer:
        made = layer(*sizes, p=0.0, dtype=torch.float64, device="cpu", **options)
        with torch.no_grad():
            for number, values in enumerate(made.parameters()):
                places = torch.arange(values.numel(), dtype=torch.float64).reshape(values.shape)
                signs = torch.where(places * 7 % 3 == 0, -scale, scale)
                values.copy_((0.3 + 0.2 * (places * (2 + number)).sin()) * signs)
        made.p = p  # where it is learned, its parameter too
        return made

    return make


def plain(layer: Any, x: Tensor) -> Tensor:
    """The linear layer or convolution without dropout."""
    return applied(layer, x, layer.weight, layer.bias)


def silent(layer: Any, x: Tensor) -> Tensor:
    """Zeros like its output."""
    return torch.zeros_like(plain(layer, x))


def applied(layer: Any, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The same with other weights."""
    if isinstance(layer, Linear):
        return F.linear(x, weight, bias)
    return F.conv2d(x, weight, bias, layer.stride, layer.padding)


def odds(layer: DropLayer) -> float:
    """``p / (1 - p)``: the variance of a mask that is scaled."""
    p = float(layer.p)
    return p / (1 - p)


def noisy(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments where each weight has the variance ``w² p / (1 - p)``, of its own.

    >>> from droplab import nn
    >>> noisy(filled(nn.WeightDropLinear, 1, 1)(0.5), torch.ones(1, dtype=torch.float64))[1].item()  # weight -0.3
    0.09
    """
    return plain(layer, x).detach(), odds(layer) * applied(layer, x.square(), layer.weight.detach().square())
