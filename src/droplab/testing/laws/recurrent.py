"""Exact laws of recurrent layers: the plain layer, and the moments of small ones over every mask that there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from droplab.errors import UserError
from droplab.layers.recurrent import gru_step, lstm_step

_BITS = 16
"""Units of masks that are enumerated at most."""
Mix = Callable[[int, int, Tensor, Tensor], Tensor]


def plain(layer: Any, x: Tensor, hidden: float = 1.0) -> Tensor:
    """What torch's own layer gives for ``(N, T, I)``, its hidden-to-hidden weights multiplied by ``hidden``.

    >>> import torch, droplab
    >>> plain(droplab.nn.WeightDropGRU(2, 3, batch_first=True), torch.ones(1, 4, 2)).shape
    torch.Size([1, 4, 3])
    """
    weights = [value * hidden if name.startswith("weight_hh") else value for name, value in layer.named_parameters()]
    state = x.new_zeros(1, x.shape[0], layer.hidden_size)
    options = layer.bias, 1, 0.0, False, False, True
    if layer.mode == "LSTM":
        return torch.lstm(x, (state, state), weights, *options)[0]
    return torch.gru(x, state, weights, *options)[0]


def averaged(layer: Any, x: Tensor) -> Tensor:
    """Zoneout's eval law: in every step the mean of the new state and the old.

    >>> import torch, droplab
    >>> averaged(droplab.nn.ZoneoutGRU(2, 3, batch_first=True, p=1.0), torch.ones(1, 1, 2))
    tensor([[[0., 0., 0.]]], grad_fn=<StackBackward0>)
    """
    rates = _rates(layer)
    return _outputs(layer, x, layer.weight_hh_l0, lambda kind, _, new, old: (1 - rates[kind]) * new + rates[kind] * old)


def weight_dropped(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of a weight-dropped layer's output over all masks of its hidden-to-hidden weights.

    Raises:
        UserError: more than 16 weights.

    >>> import torch, droplab
    >>> layer = droplab.nn.WeightDropGRU(1, 1, batch_first=True, p=0.5)
    >>> mean, variance = weight_dropped(layer, torch.ones(1, 2, 1))
    >>> bool(variance[0, 0] < 1e-12), bool(variance[0, 1] > 1e-12)  # the first step has no hidden state yet
    (True, True)
    """
    weight = layer.weight_hh_l0.detach()
    p = float(layer.p)
    kept, chance = _masks(weight.numel(), torch.tensor(p, dtype=x.dtype))
    weights = weight * kept.view(-1, 1, *weight.shape) / (1 - p)
    return _moments(_outputs(layer, x, weights, lambda kind, time, new, old: new), chance)  # noqa: ARG005


def zoned_out(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of a zoneout layer's output over all masks of a sample.

    Raises:
        UserError: more than 16 units, counting states and time steps.

    >>> import torch, droplab
    >>> mean, variance = zoned_out(droplab.nn.ZoneoutGRU(1, 1, batch_first=True, p=0.5), torch.ones(1, 1, 1))
    >>> torch.allclose(variance, mean.square())  # 0 or twice the mean
    True
    """
    shape = (x.shape[1], layer.hidden_size)
    rates = torch.tensor(_rates(layer), dtype=x.dtype)
    per_unit = rates[:, None, None].expand(len(rates), *shape)
    moved, chance = _masks(per_unit.numel(), per_unit.reshape(-1))
    moved = moved.view(-1, len(rates), 1, *shape)
    outputs = _outputs(
        layer, x, layer.weight_hh_l0.detach(),
        lambda kind, time, new, old: torch.where(moved[:, kind, :, time] > 0, new, old),
    )  # fmt: skip
    return _moments(outputs, chance)


def _rates(layer: Any) -> tuple[float, ...]:
    p = float(layer.p)
    if layer.mode == "GRU":
        return (p,)
    return p, p if layer.p_cell is None else layer.p_cell


def _outputs(layer: Any, x: Tensor, weight: Tensor, mix: Mix) -> Tensor:
    """``(*, N, T, H)`` of a layer of one direction, step by step; ``weight`` and ``mix`` may add dimensions first."""
    from_input = torch.nn.functional.linear(x, layer.weight_ih_l0, layer.bias_ih_l0)
    lstm = layer.mode == "LSTM"
    states = (x.new_zeros(x.shape[0], layer.hidden_size),) * (2 if lstm else 1)
    outputs = []
    for time in range(x.shape[1]):
        from_hidden = (states[0][..., None, :] @ weight.mT)[..., 0, :] + layer.bias_hh_l0
        new = (lstm_step if lstm else gru_step)(from_input[:, time], from_hidden, states)
        states = tuple(mix(kind, time, *pair) for kind, pair in enumerate(zip(new, states, strict=True)))
        outputs.append(states[0])
    last = outputs[-1]  # which has all dimensions
    return torch.stack([output.expand_as(last) for output in outputs], -2)


def _masks(bits: int, p: Tensor) -> tuple[Tensor, Tensor]:
    """All 0/1 masks of so many units, ``(2^bits, bits)``, and how likely each is where a unit is 0 with rate ``p``."""
    if bits > _BITS:
        raise UserError(f"exact moments of {bits} units that are dropped or not have 2^{bits} cases; {_BITS} at most")
    kept = (torch.arange(2**bits)[:, None] >> torch.arange(bits)) & 1
    return kept.to(p.dtype), torch.where(kept > 0, 1 - p, p).prod(1)


def _moments(outputs: Tensor, chance: Tensor) -> tuple[Tensor, Tensor]:
    mean = torch.einsum("m...,m->...", outputs.detach(), chance)
    return mean, torch.einsum("m...,m->...", (outputs.detach() - mean).square(), chance)
