"""What drops weights, and what recurrent layers do."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from droplab import nn
from droplab.testing.laws import recurrent
from droplab.testing.laws.oracle import Oracle
from droplab.testing.laws.twins import applied, filled, noisy, odds, plain, silent
from droplab.variants.catalog import CATALOG


def _connected(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Each output is a sum of weights, and a bias, that are dropped or not, so the variances add."""
    weight, bias = layer.weight.detach(), layer.bias.detach()
    return applied(layer, x, weight, bias), applied(layer, x.square(), weight.square(), bias.square()) * odds(layer)


def _bias_alone(layer: Any, x: Tensor) -> Tensor:
    bias: Tensor = layer.bias
    return bias + 0 * plain(layer, x)


def _unconnected(layer: Any, x: Tensor) -> Tensor:
    return recurrent.plain(layer, x, hidden=0.0)


def _still(layer: Any, x: Tensor) -> Tensor:
    return x.new_zeros(*x.shape[:2], layer.hidden_size)


_CONNECT: Any = {"at_eval": plain, "at_zero": plain, "at_one": silent, "per_sample": False}
_SEQUENCES: Any = {"ranks": (2, 3), "refuses": (1, 4), "at_zero": recurrent.plain}
_IN_VMAP = "was called within vmap"
_WEIGHT_DROP: Any = {
    "moments": recurrent.weight_dropped, "shape": (12, 3, 4), "at_eval": recurrent.plain, "at_one": _unconnected,
    "per_sample": False, "refusals": {"vmap": _IN_VMAP, "vmap randomness": _IN_VMAP}, **_SEQUENCES,
}  # fmt: skip
_ZONEOUT: Any = {
    "moments": recurrent.zoned_out, "shape": (12, 2, 4), "at_eval": recurrent.averaged, "at_one": _still, **_SEQUENCES,
}  # fmt: skip
ORACLES = (
    Oracle(CATALOG["drop_connect_linear"], _connected, (16, 24), make=filled(nn.DropConnectLinear, 24, 8), **_CONNECT),
    Oracle(
        CATALOG["drop_connect_conv2d"], _connected, (16, 3, 5, 4),
        make=filled(nn.DropConnectConv2d, 3, 4, 3, padding=1), ranks=(3, 4), refuses=(2, 5), **_CONNECT,
    ),
    Oracle(
        CATALOG["weight_drop_linear"], noisy, (16, 24),
        make=filled(nn.WeightDropLinear, 24, 8), **{**_CONNECT, "at_one": _bias_alone},
    ),
    Oracle(CATALOG["weight_drop_lstm"], make=filled(nn.WeightDropLSTM, 4, 2, batch_first=True), **_WEIGHT_DROP),
    Oracle(CATALOG["weight_drop_gru"], make=filled(nn.WeightDropGRU, 4, 2, batch_first=True), **_WEIGHT_DROP),
    Oracle(CATALOG["zoneout_lstm"], make=filled(nn.ZoneoutLSTM, 4, 3, batch_first=True), **_ZONEOUT),
    Oracle(CATALOG["zoneout_gru"], make=filled(nn.ZoneoutGRU, 4, 4, batch_first=True), **_ZONEOUT),
)  # fmt: skip
