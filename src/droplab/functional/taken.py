"""Rows, columns and channels taken out of a tensor; their gradients put back where they came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from droplab.errors import KeyingError
from droplab.functional.internals import is_batched_gradient, plain_apply, under_checkpoint

Places = tuple[tuple[int, Tensor], ...]
"""Dimensions, and for each the ascending indices that are taken along it, int64 ``(k,)``."""


def take(x: Tensor, places: Places) -> Tensor:
    """The part of a tensor at some indices of some dimensions; differentiable any number of times.

    Its gradient has zeros at all other indices. As ``index_select``, whose gradient adds where this one writes, since
    no index comes twice.

    >>> x = torch.arange(6.0).reshape(2, 3)
    >>> take(x, ((0, torch.tensor([1])), (1, torch.tensor([0, 2]))))
    tensor([[3., 5.]])
    """
    if not places:
        return x
    if x.requires_grad and torch.is_grad_enabled():
        taken: Tensor = _take(x, places)
        return taken
    return _taken(x, places)


def _taken(x: Tensor, places: Places) -> Tensor:
    for dim, index in places:
        x = x.index_select(dim, index)
    return x


def _put(part: Tensor, places: Places, shape: torch.Size) -> Tensor:
    """Zeros of a shape with the part at its places; the last dimension first, so that the first moves whole rows."""
    for number in reversed(range(len(places))):
        dim, index = places[number]
        sizes = list(part.shape)
        sizes[dim] = shape[dim]
        zeros = part.new_zeros(sizes)
        part = zeros.index_copy(dim, index, part) if is_batched_gradient(part) else zeros.index_copy_(dim, index, part)
    return part


class Take(Function):
    """The part at some places; the gradient is ``Put``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, places: Places) -> Tensor:
        """Take, and remember where from."""
        ctx.places, ctx.shape = places, x.shape
        ctx.in_checkpoint = under_checkpoint()
        if ctx.in_checkpoint:
            ctx.save_for_backward(*(index for _, index in places))
        return _taken(x, places)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Put back."""
        if ctx.in_checkpoint:
            for (_, before), now in zip(ctx.places, ctx.saved_tensors, strict=True):
                if not torch.equal(before, now):
                    raise KeyingError(
                        "activation checkpointing recomputed a layer under another key than its forward pass had. "
                        "Call backward() inside the `with droplab.keyed(...)` block of its forward pass."
                    )
        return again(grads[0], ctx.places, ctx.shape), None


class Put(Function):
    """Zeros but for the part at some places; the gradient is ``Take``."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, places: Places, shape: torch.Size) -> Tensor:
        """Put, and remember where to."""
        ctx.places = places
        return _put(part, places, shape)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Take."""
        return take(grads[0], ctx.places), None, None


_take: Callable[..., Any] = plain_apply(Take)
_put_back: Callable[..., Any] = plain_apply(Put)


def again(part: Tensor, places: Places, shape: torch.Size) -> Tensor:
    """A gradient put back, which may want a gradient of its own."""
    if part.requires_grad and torch.is_grad_enabled():
        put: Tensor = _put_back(part, places, shape)
        return put
    return _put(part, places, shape)
