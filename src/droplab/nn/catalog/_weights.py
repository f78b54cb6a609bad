"""What drops weights, and what recurrent layers do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import GRU, LSTM, Conv2d, Linear
from torch.nn import functional as F

from droplab import nn
from droplab.nn.catalog.exact import averaged, plain, weight_dropped, zoned_out
from droplab.nn.catalog.row import IN_TRAINING, Variant
from droplab.nn.layer import DropLayer

_WAN = "Wan et al., Regularization of neural networks using DropConnect, ICML 2013"
_MERITY = "Merity, Keskar and Socher, Regularizing and optimizing LSTM language models, ICLR 2018"
_KRUEGER = "Krueger et al., Zoneout: regularizing RNNs by randomly preserving hidden activations, ICLR 2017"
_CONNECTED = "y = ((m W) x + m' b) / (1 - p), m and m' 0 with probability p, else 1"
_RECURRENT = "y = LSTM(x) with m U / (1 - p) for its hidden-to-hidden weights U, m 0 with probability p, else 1"
_ZONED = "y = h_t = m h_(t-1) + (1 - m) h'_t, m = 1 with probability p, else 0; c_t likewise, h'_t from c'_t"
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


ROWS = (
    Variant(
        "drop_connect_linear",
        nn.DropConnectLinear,
        _WAN,
        _CONNECTED,
        "a weight for all samples (or, with per_sample, one)",
        _linear_moments,
        (16, 24),
        make=_made(nn.DropConnectLinear, 24, 8, dtype=torch.float64),
        eval_law="the mean weights; optionally draws from a normal of the same moments, as in the paper",
        at_eval=_linear,
        at_zero=_linear,
        at_one=_nothing(_linear),
        per_sample=False,
        learnable=True,
        example="droplab.nn.DropConnectLinear(24, 8, p=0.5)",
        adopts=(Linear,),
        deviations="one mask for the batch unless per_sample; mean inference unless 'gaussian'; " + IN_TRAINING,
    ),
    Variant(
        "drop_connect_conv2d",
        nn.DropConnectConv2d,
        _WAN,
        _CONNECTED,
        "a weight for all samples and places",
        _conv_moments,
        (16, 3, 5, 4),
        make=_made(nn.DropConnectConv2d, 3, 4, 3, padding=1, dtype=torch.float64),
        ranks=(3, 4),
        refuses=(2, 5),
        eval_law="the mean weights; optionally draws from a normal of the same moments",
        at_eval=_conv,
        at_zero=_conv,
        at_one=_nothing(_conv),
        per_sample=False,
        learnable=True,
        example="droplab.nn.DropConnectConv2d(3, 4, 3, p=0.5, padding=1)",
        adopts=(Conv2d,),
        deviations="convolutions, which the paper does not have; one mask for the batch; " + IN_TRAINING,
    ),
    Variant(
        "weight_drop_linear",
        nn.WeightDropLinear,
        _MERITY,
        "y = (m W / (1 - p)) x + b, m = 0 with probability p, else 1",
        "a weight for all samples",
        _weight_moments,
        (16, 24),
        make=_made(nn.WeightDropLinear, 24, 8, dtype=torch.float64),
        eval_law="torch.nn.Linear",
        at_eval=_linear,
        at_zero=_linear,
        at_one=_bias_alone,
        per_sample=False,
        learnable=True,
        example="droplab.nn.WeightDropLinear(24, 8, p=0.5)",
        adopts=(Linear,),
        deviations="a linear layer, where the paper has LSTMs",
    ),
    Variant(
        "weight_drop_lstm",
        nn.WeightDropLSTM,
        _MERITY,
        _RECURRENT,
        "a weight for all samples and time steps",
        weight_dropped,
        (12, 3, 4),
        make=_made(nn.WeightDropLSTM, 4, 2, **_SMALL),
        ranks=(2, 3),
        refuses=(1, 4),
        eval_law="torch.nn.LSTM",
        at_eval=plain,
        at_zero=plain,
        at_one=_unconnected,
        per_sample=False,
        learnable=True,
        example="droplab.nn.WeightDropLSTM(4, 2, p=0.5, batch_first=True)",
        refusals={"vmap": "was called within vmap", "vmap randomness": "was called within vmap"},
        adopts=(LSTM,),
    ),
    Variant(
        "weight_drop_gru",
        nn.WeightDropGRU,
        _MERITY,
        _RECURRENT.replace("LSTM", "GRU"),
        "a weight for all samples and time steps",
        weight_dropped,
        (12, 3, 4),
        make=_made(nn.WeightDropGRU, 4, 2, **_SMALL),
        ranks=(2, 3),
        refuses=(1, 4),
        eval_law="torch.nn.GRU",
        at_eval=plain,
        at_zero=plain,
        at_one=_unconnected,
        per_sample=False,
        learnable=True,
        example="droplab.nn.WeightDropGRU(4, 2, p=0.5, batch_first=True)",
        refusals={"vmap": "was called within vmap", "vmap randomness": "was called within vmap"},
        adopts=(GRU,),
        deviations="a GRU, where the paper has LSTMs",
    ),
    Variant(
        "zoneout_lstm",
        nn.ZoneoutLSTM,
        _KRUEGER,
        _ZONED,
        "nothing",
        zoned_out,
        (12, 2, 4),
        make=_made(nn.ZoneoutLSTM, 4, 3, **_SMALL),
        ranks=(2, 3),
        refuses=(1, 4),
        eval_law="p in the place of m",
        at_eval=averaged,
        at_zero=plain,
        at_one=_still,
        learnable=True,
        example="droplab.nn.ZoneoutLSTM(4, 3, p=0.05, p_cell=0.5, batch_first=True)",
        adopts=(LSTM,),
    ),
    Variant(
        "zoneout_gru",
        nn.ZoneoutGRU,
        _KRUEGER,
        _ZONED.partition(";")[0],
        "nothing",
        zoned_out,
        (12, 2, 4),
        make=_made(nn.ZoneoutGRU, 4, 4, **_SMALL),
        ranks=(2, 3),
        refuses=(1, 4),
        eval_law="p in the place of m",
        at_eval=averaged,
        at_zero=plain,
        at_one=_still,
        learnable=True,
        example="droplab.nn.ZoneoutGRU(4, 4, p=0.1, batch_first=True)",
        adopts=(GRU,),
    ),
)
