"""What drops weights, and what recurrent layers do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab import nn
from droplab.layers.layer import DropLayer
from droplab.testing.laws.oracle import Oracle
from droplab.testing.laws.recurrent import averaged, plain, weight_dropped, zoned_out
from droplab.variants.catalog import CATALOG

_SMALL: dict[str, Any] = {"batch_first": True, "dtype": torch.float64}


def _made(build: Callable[..., DropLayer], *sizes: int, **options: Any) -> Callable[[float], DropLayer]:
    """Layers whose weights are the same at every call, in float64."""

    def make(p: float) -> DropLayer:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build(*sizes, p=p, **options)

    return make


def _linear(layer: Any, x: Tensor) -> Tensor:
    return F.linear(x, layer.weight, layer.bias)


def _linear_moments(layer: Any, x: Tensor, drop_bias: bool = True) -> tuple[Tensor, Tensor]:
    """Each output is a sum of weights that are dropped or not, so the variances add."""
    p, weight, bias = float(layer.p), layer.weight.detach(), layer.bias.detach()
    variance = F.linear(x.square(), weight.square(), bias.square() if drop_bias else None)
    return F.linear(x, weight, bias), variance * (p / (1 - p))


def _weight_moments(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    return _linear_moments(layer, x, drop_bias=False)


def _conv(layer: Any, x: Tensor) -> Tensor:
    return F.conv2d(x, layer.weight, layer.bias, padding=layer.padding)


def _conv_moments(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    p, weight, bias = float(layer.p), layer.weight.detach(), layer.bias.detach()
    variance = F.conv2d(x.square(), weight.square(), bias.square(), padding=layer.padding)
    return F.conv2d(x, weight, bias, padding=layer.padding), variance * (p / (1 - p))


def _bias_alone(layer: Any, x: Tensor) -> Tensor:
    bias: Tensor = layer.bias
    return bias + 0 * _linear(layer, x)


def _nothing(apply: Callable[..., Tensor]) -> Callable[[Any, Tensor], Tensor]:
    return lambda layer, x: torch.zeros_like(apply(layer, x))


def _unconnected(layer: Any, x: Tensor) -> Tensor:
    return plain(layer, x, hidden=0.0)


def _still(layer: Any, x: Tensor) -> Tensor:
    return x.new_zeros(*x.shape[:2], layer.hidden_size)


ORACLES = (
    Oracle(
        CATALOG["drop_connect_linear"],
        _linear_moments,
        (16, 24),
        make=_made(nn.DropConnectLinear, 24, 8, dtype=torch.float64),
        at_eval=_linear,
        at_zero=_linear,
        at_one=_nothing(_linear),
        per_sample=False,
    ),
    Oracle(
        CATALOG["drop_connect_conv2d"],
        _conv_moments,
        (16, 3, 5, 4),
        make=_made(nn.DropConnectConv2d, 3, 4, 3, padding=1, dtype=torch.float64),
        ranks=(3, 4),
        refuses=(2, 5),
        at_eval=_conv,
        at_zero=_conv,
        at_one=_nothing(_conv),
        per_sample=False,
    ),
    Oracle(
        CATALOG["weight_drop_linear"],
        _weight_moments,
        (16, 24),
        make=_made(nn.WeightDropLinear, 24, 8, dtype=torch.float64),
        at_eval=_linear,
        at_zero=_linear,
        at_one=_bias_alone,
        per_sample=False,
    ),
    Oracle(
        CATALOG["weight_drop_lstm"],
        weight_dropped,
        (12, 3, 4),
        make=_made(nn.WeightDropLSTM, 4, 2, **_SMALL),
        ranks=(2, 3),
        refuses=(1, 4),
        at_eval=plain,
        at_zero=plain,
        at_one=_unconnected,
        per_sample=False,
        refusals={"vmap": "was called within vmap", "vmap randomness": "was called within vmap"},
    ),
    Oracle(
        CATALOG["weight_drop_gru"],
        weight_dropped,
        (12, 3, 4),
        make=_made(nn.WeightDropGRU, 4, 2, **_SMALL),
        ranks=(2, 3),
        refuses=(1, 4),
        at_eval=plain,
        at_zero=plain,
        at_one=_unconnected,
        per_sample=False,
        refusals={"vmap": "was called within vmap", "vmap randomness": "was called within vmap"},
    ),
    Oracle(
        CATALOG["zoneout_lstm"],
        zoned_out,
        (12, 2, 4),
        make=_made(nn.ZoneoutLSTM, 4, 3, **_SMALL),
        ranks=(2, 3),
        refuses=(1, 4),
        at_eval=averaged,
        at_zero=plain,
        at_one=_still,
    ),
    Oracle(
        CATALOG["zoneout_gru"],
        zoned_out,
        (12, 2, 4),
        make=_made(nn.ZoneoutGRU, 4, 4, **_SMALL),
        ranks=(2, 3),
        refuses=(1, 4),
        at_eval=averaged,
        at_zero=plain,
        at_one=_still,
    ),
)
