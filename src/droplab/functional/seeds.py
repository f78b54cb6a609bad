"""Drop-in keys: a 64-bit seed from torch's default generator for each call.

``torch.manual_seed``, saving and restoring generator states, and activation checkpointing then behave as they do
with torch's own dropout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


class _Room(threading.local):
    """A place for each thread to draw into; making one for each call would cost as much as a small dropout."""

    def __init__(self) -> None:
        self.seed = torch.empty((), dtype=torch.int64, device="cpu")


_room = _Room()
_LOWEST = -(2**63)


def draw(x: Tensor) -> int | Tensor:
    """A seed for a mask on ``x``: a number on the CPU, elsewhere a 0-d int64 tensor beside it."""
    if x.is_cpu:
        return int(_room.seed.random_(_LOWEST, None).item())
    return torch.empty((), dtype=torch.int64, device=x.device).random_(_LOWEST, None)


class Draw(Function):
    """The seed of an input under ``torch.func``'s transforms; below ``vmap`` it honours ``randomness``."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """A 0-d int64 tensor on the input's device."""
        return torch.empty((), dtype=torch.int64, device=x.device).random_(_LOWEST, None)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ARG004  # torch's signature
        """A seed has no gradient."""
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, *_grads: Any) -> None:  # noqa: ARG004
        """None."""
        return None  # noqa: RET501

    @staticmethod
    def jvp(ctx: Any, *_tangents: Any) -> None:  # noqa: ARG004
        """None."""
        return None  # noqa: RET501

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None], x: Tensor) -> tuple[Tensor, int | None]:  # noqa: ARG004
        """One seed for all; whether their masks differ is decided where the mask is applied."""
        if info.randomness == "error":
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                "'different' randomness flags on vmap, or hand a key to the dropout function"
            )
        return draw_under_transforms(x), None


draw_under_transforms: Callable[[Tensor], Tensor] = Draw.apply


class DrawForEach(Draw):
    """The same where the numbers themselves are drawn by the caller: a seed for each member if they are to differ."""

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None], x: Tensor) -> tuple[Tensor, int | None]:
        """As many seeds as there are members, or one for all (``randomness="same"``)."""
        if info.randomness == "different":
            return torch.stack([draw_for_each(x) for _ in range(info.batch_size)]), 0
        if info.randomness == "same":
            return draw_for_each(x), None
        return Draw.vmap(info, in_dims, x)  # raises


draw_for_each: Callable[[Tensor], Tensor] = DrawForEach.apply
