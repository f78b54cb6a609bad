"""Stacked recurrent layers under keys: torch's kernel for one layer after another, and droplab's dropout between them.

At p = 0 this gives what torch's kernel for all layers gives, to the bit. Masks follow samples, however a packed batch
is sorted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from droplab import functional as own
from droplab.masks.key import Key

KERNELS = (torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu)


class Stack(NamedTuple):
    """A call of such a kernel."""

    input: Tensor
    sizes: Tensor | None
    """Of the batch at each time, where it is packed."""
    states: tuple[Tensor, ...]
    weights: list[Tensor]
    bias: bool
    layers: int
    p: float
    training: bool
    bidirectional: bool
    batch_first: bool

    @property
    def drops(self) -> bool:
        """Whether anything is dropped between its layers."""
        return self.training and bool(self.p) and self.layers > 1


def stack(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Stack | None:
    """What a kernel is called with; ``None`` where that is not what torch's modules call it with.

    >>> call = stack((torch.ones(2, 1, 3), torch.ones(2, 1, 4), [], True, 2, 0.5, True, False, False), {})
    >>> call.layers, call.p, call.drops
    (2, 0.5, True)
    """
    if kwargs or len(args) != 9:
        return None
    packed = not isinstance(args[3], bool)
    sizes, rest = (args[1], args[2:]) if packed else (None, args[1:])
    states, weights, bias, layers, p, training, bidirectional = rest[:7]
    states = (states,) if isinstance(states, Tensor) else tuple(states)
    first = False if packed else args[8]
    return Stack(args[0], sizes, states, list(weights), bias, layers, float(p), training, bidirectional, first)


def run(
    kernel: Any, call: Stack, rate: Any, key: Callable[[Tensor], Key | None], order: Tensor | None
) -> tuple[Tensor, ...]:
    """What a kernel gives, dropped between layers.

    Args:
        kernel: torch's.
        call: as it was called.
        rate: in place of its own.
        key: asked once for each place between layers, with what is dropped there, samples unsorted.
        order: where each sample of a packed batch was before it was sorted; ``None``: where it is.
    """
    directions = 2 if call.bidirectional else 1
    of_one = len(call.weights) // (call.layers * directions)
    layout = () if call.sizes is not None else (call.batch_first,)
    x, last = call.input, list[tuple[Tensor, ...]]()
    for layer in range(call.layers):
        here = slice(layer * directions, (layer + 1) * directions)
        states = tuple(state[here] for state in call.states)
        weights = call.weights[here.start * of_one : here.stop * of_one]
        state = states if kernel is torch.lstm else states[0]
        given = (x, state) if call.sizes is None else (x, call.sizes, state)
        x, *after = kernel(*given, weights, call.bias, 1, 0.0, call.training, call.bidirectional, *layout)
        last.append(tuple(after))
        if layer + 1 < call.layers:
            x = _dropped(x, call.sizes, rate, key, order)
    return x, *(torch.cat(kind) for kind in zip(*last, strict=True))


def _dropped(x: Tensor, sizes: Tensor | None, rate: Any, key: Any, order: Tensor | None) -> Tensor:
    if sizes is None:
        return own.dropout(x, rate, True, key=key(x))
    padded, lengths = pad_packed_sequence(PackedSequence(x, sizes))
    found: Key | None = key(padded)
    if found is not None and order is not None:
        ids = found.samples
        if not isinstance(ids, Tensor):
            ids = torch.arange(padded.shape[1], device=x.device) + ids
        found = found._replace(samples=ids.to(order.device)[order])
    return pack_padded_sequence(own.dropout(padded, rate, True, key=found), lengths).data
