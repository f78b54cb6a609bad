"""What adapts to the unit, or learns its rate: standout, concrete and variational dropout."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Conv2d, Linear
from torch.nn import functional as F

from droplab import nn
from droplab.nn.catalog.row import Variant
from droplab.nn.layer import DropLayer

_DRAWS = 1 << 16
"""Points of the quadrature over a uniform number."""
_KINGMA = "Kingma, Salimans and Welling, Variational dropout and the local reparameterization trick, NeurIPS 2015"
_MOLCHANOV = "Molchanov, Ashukha and Vetrov, Variational dropout sparsifies deep neural networks, ICML 2017"
_GAL = "Gal, Hron and Kendall, Concrete dropout, NeurIPS 2017"


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


_LEARNED = partial(Variant, at_zero=_plain, learnable=True)

ROWS = (
    _LEARNED(
        "standout",
        nn.LinearStandout,
        "Ba and Frey, Adaptive dropout for training deep neural networks, NeurIPS 2013",
        "a = x Wᵀ + b, y = a m, m = 1 with probability σ(α a + β), else 0; β = log((1 - p) / p)",
        "nothing; the rate is each unit's own",
        _standout,
        (16, 24),
        make=_filled(nn.LinearStandout, 24, 6, scale=0.2),  # rates well inside (0, 1)
        eval_law="y = a σ(α a + β), the mean",
        at_eval=_expected,
        at_one=_silent,
        example="droplab.nn.LinearStandout(24, 6, p=0.5)",
        adopts=(Linear,),
        deviations="β is added to what a unit receives, not to each weight; the activation comes after",
    ),
    _LEARNED(
        "concrete_dropout_linear",
        nn.ConcreteDropoutLinear,
        _GAL,
        "y = (x (1 - z) / (1 - p)) Wᵀ + b, z = σ((logit p + logit u) / t), u ~ U(0, 1)",
        "nothing",
        _concrete,
        (16, 24),
        make=_filled(nn.ConcreteDropoutLinear, 24, 6),
        eval_law="y = x Wᵀ + b",
        at_eval=_plain,
        at_one=None,
        example="droplab.nn.ConcreteDropoutLinear(24, 6, p=0.1)",
        adopts=(Linear,),
        deviations="the bias has no prior; p = 1 cannot be learned from and raises",
    ),
    _LEARNED(
        "concrete_dropout_conv2d",
        nn.ConcreteDropoutConv2d,
        _GAL,
        "y = (x (1 - z) / (1 - p)) * W + b, z = σ((logit p + logit u) / t), u ~ U(0, 1)",
        "the input channel of a sample",
        _concrete,
        (16, 4, 5, 3),
        make=_filled(nn.ConcreteDropoutConv2d, 4, 3, 3, padding=1),
        ranks=(3, 4),
        refuses=(2, 5),
        eval_law="y = x * W + b",
        at_eval=_plain,
        at_one=None,
        example="droplab.nn.ConcreteDropoutConv2d(4, 3, 3, p=0.1)",
        adopts=(Conv2d,),
        deviations="temperature 0.1, where the authors' code takes 2/3; the bias has no prior; p = 1 raises",
    ),
    _LEARNED(
        "variational_dropout_linear",
        nn.VariationalDropoutLinear,
        _KINGMA,
        "y = x Wᵀ + b + ε √(x² (α W²)ᵀ), ε ~ N(0, 1), α = p / (1 - p)",
        "nothing",
        _gaussian,
        (16, 24),
        make=_filled(nn.VariationalDropoutLinear, 24, 6, per="unit"),
        eval_law="y = x Wᵀ + b",
        at_eval=_plain,
        at_one=None,
        highest=0.5,
        example="droplab.nn.VariationalDropoutLinear(24, 6, p=0.1)",
        adopts=(Linear,),
        deviations="α ≤ 1 by reflection, not by a clamp; the constant of the KL term; p above 1/2 raises",
    ),
    _LEARNED(
        "sparse_variational_linear",
        nn.SparseVariationalLinear,
        _MOLCHANOV,
        "y = x Wᵀ + b + ε √(x² (σ²)ᵀ), ε ~ N(0, 1); p = α / (1 + α), α = σ² / w²",
        "nothing",
        _gaussian,
        (16, 24),
        make=_filled(nn.SparseVariationalLinear, 24, 6),
        eval_law="y = x Wᵀ + b without the weights of log α ≥ 3",
        at_eval=_plain,
        at_one=None,
        example="droplab.nn.SparseVariationalLinear(24, 6, p=0.1)",
        adopts=(Linear,),
        deviations="log α is not clipped; begins at one rate p for all weights unless log σ² is given; p = 1 raises",
    ),
    _LEARNED(
        "sparse_variational_conv2d",
        nn.SparseVariationalConv2d,
        _MOLCHANOV,
        "y = x * W + b + ε √(x² * σ²), ε ~ N(0, 1); p = α / (1 + α), α = σ² / w²",
        "nothing",
        _gaussian,
        (16, 4, 5, 3),
        make=_filled(nn.SparseVariationalConv2d, 4, 3, 3, padding=1),
        ranks=(3, 4),
        refuses=(2, 5),
        eval_law="y = x * W + b without the weights of log α ≥ 3",
        at_eval=_plain,
        at_one=None,
        example="droplab.nn.SparseVariationalConv2d(4, 3, 3, p=0.1)",
        adopts=(Conv2d,),
        deviations="log α is not clipped; begins at one rate p for all weights unless log σ² is given; p = 1 raises",
    ),
)
