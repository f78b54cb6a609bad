"""Dropout of whole layers of a stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from droplab.functional.checking import check_input, check_rate
from droplab.functional.internals import transforms_active
from droplab.functional.key import Key
from droplab.functional.masked import is_plain
from droplab.functional.noise import uniform


def layer_drop(
    input: Tensor,  # noqa: A002  # torch's name
    layers: Sequence[Callable[..., Tensor]],
    p: float | Tensor = 0.2,
    training: bool = True,
    *args: Any,
    key: Key | None = None,
    **kwargs: Any,
) -> Tensor:
    """Call the layers one after the other, leaving each out with probability ``p``.

    ``y = f_L(… f_2(f_1(x)))`` without those that are left out, which cost nothing in eager mode; a graph, and a
    transform of ``torch.func``, compute every layer and take what they want. Nothing is scaled. One draw for each
    layer holds for the whole batch. Fan, Grave and Joulin, *Reducing transformer depth on demand with structured
    dropout*, ICLR 2020.

    Args:
        input: any shape, floating point.
        layers: functions that give a tensor of the shape and dtype they take.
        p: probability of a layer to be left out, in [0, 1]; 1 returns the input itself.
        training: where false, every layer is called.
        args: handed to every layer after its input.
        key: names the draws, which do not depend on samples; a seed from torch's default generator where absent.
        kwargs: handed to every layer.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.

    >>> key = Key(seed=0, layer="stack")
    >>> layer_drop(torch.zeros(1), [lambda x, by: x + by, lambda x, by: x + 10 * by], 0.5, True, 1, key=key)
    tensor([1.])
    """
    check_rate(p)
    check_input(input, "layer_drop")
    x = input
    if training and (torch.compiler.is_compiling() or transforms_active() or not is_plain(x)):
        out = left_out(len(layers), p, key).to(x.device)
        for place, layer in enumerate(layers):
            x = torch.where(out[place], x, layer(x, *args, **kwargs))
        return x
    for layer in chosen(layers, p, key) if training else layers:
        x = layer(x, *args, **kwargs)
    return x


def chosen(layers: Sequence[Any], p: float | Tensor, key: Key | None) -> list[Any]:
    """The layers of this step.

    >>> chosen(["first", "second", "third"], 0.5, Key(seed=0, layer="stack"))
    ['first']
    """
    return [layer for layer, out in zip(layers, left_out(len(layers), p, key).tolist(), strict=True) if not out]


def left_out(count: int, p: float | Tensor, key: Key | None) -> Tensor:
    """Which of so many layers a step leaves out. Drawn on the CPU, so that no GPU is waited for."""
    whole = None if key is None else Key(key.seed, key.layer, key.step, 0, None)
    numbers = uniform(torch.empty(count, dtype=torch.float64, device="cpu"), key=whole)
    return numbers < (p.to(device="cpu") if isinstance(p, Tensor) else p)
