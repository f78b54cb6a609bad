"""Drop-in keys: a 64-bit seed from torch's default generator for each call.

``torch.manual_seed``, saving and restoring generator states, and activation checkpointing then behave as they do
with torch's own dropout. One call draws one seed, and its gradients, tangents and Jacobians have the mask of that seed.
"""

from __future__ import annotations

import threading

import torch
from torch import Tensor

from droplab.masks.internals import modes_active, transforms_active, without_modes


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


def mark() -> int:
    """A number from torch's CPU generator, which whoever restores the generator's state draws again.

    >>> state = torch.get_rng_state()
    >>> first = mark()
    >>> torch.set_rng_state(state)
    >>> mark() == first
    True
    """
    if modes_active() or transforms_active():
        with without_modes():
            return draw(_room.seed)  # type: ignore[return-value]  # it is on the CPU
    return draw(_room.seed)  # type: ignore[return-value]


def draw_under_transforms(x: Tensor) -> Tensor:
    """The same under ``torch.func``'s transforms: one seed, or one for each member of a ``vmap``, as it says.

    ``vmap``'s ``randomness`` is honoured by torch's own operator, whether or not the input is batched. The last bit is
    turned, after which the seed is the one that ``draw`` gives in the same state of the generator.

    Raises:
        RuntimeError: within a ``vmap`` whose randomness is ``"error"``, as torch raises it.
    """
    try:
        drawn = torch.randint(_LOWEST, -_LOWEST - 1, (), dtype=torch.int64, device=x.device)
    except RuntimeError as error:
        if "randomness error mode" not in str(error):
            raise
        raise RuntimeError(f"{error}; or hand a key to droplab's function, which then draws nothing") from error
    return drawn ^ _LOWEST
