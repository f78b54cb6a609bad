"""Rows, columns and channels taken out of a tensor; their gradients put back where they came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from droplab.masks.internals import is_batched_gradient, plain_apply, transforms_active, under_checkpoint
from droplab.masks.recomputed import check_recomputed

Places = tuple[tuple[int, Tensor], ...]
"""Dimensions, and for each the ascending indices that are taken along it, int64 ``(k,)``."""
Order = list[int] | None
"""Dimensions from the outermost in memory to the innermost; ``None`` where that is their own order."""


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
    if x.requires_grad and torch.is_grad_enabled() and not transforms_active():
        taken: Tensor = _take(x, places)
        return taken
    return _taken(x, places)


def _taken(x: Tensor, places: Places) -> Tensor:
    """The part, its dimensions in memory in the order of the whole's: channels last stay last."""
    order = _in_memory(x)
    if order is not None:
        moved = tuple((order.index(dim % x.ndim), index) for dim, index in places)
        return _back(_taken(x.permute(order), moved), order)
    for dim, index in places:
        x = x.index_select(dim, index)
    return x


def _in_memory(x: Tensor) -> Order:
    if is_batched_gradient(x):
        return None
    strides = x.stride()
    order = sorted(range(x.ndim), key=lambda dim: (-strides[dim], x.shape[dim] == 1))
    return None if order == list(range(x.ndim)) else order


def _back(x: Tensor, order: list[int]) -> Tensor:
    return x.permute([order.index(dim) for dim in range(x.ndim)])


def _put(part: Tensor, places: Places, shape: torch.Size, order: Order) -> Tensor:
    """Zeros of a shape with the part at its places, laid out as the part is, or as what it was taken from."""
    order = None if is_batched_gradient(part) else _in_memory(part) or order
    if order is not None:
        moved = tuple((order.index(dim % part.ndim), index) for dim, index in places)
        return _back(_zeros_but(part.permute(order), moved, tuple(shape[dim] for dim in order)), order)
    return _zeros_but(part, places, tuple(shape))


def _zeros_but(part: Tensor, places: Places, shape: tuple[int, ...]) -> Tensor:
    for number in reversed(range(len(places))):  # the last dimension first, so that the first moves whole rows
        dim, index = places[number]
        sizes = list(part.shape)
        sizes[dim] = shape[dim]
        zeros = part.new_zeros(sizes)
        if is_batched_gradient(part):
            part = zeros.index_copy(dim, index, part)
        elif transforms_active():  # which know how to batch a sum
            part = zeros.index_add(dim, index, part)
        else:
            part = zeros.index_copy_(dim, index, part)
    return part


class Take(Function):
    """The part at some places; the gradient is ``Put``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, places: Places) -> Tensor:
        """Take, and remember where from."""
        ctx.places, ctx.shape, ctx.order = places, x.shape, _in_memory(x)
        ctx.in_checkpoint = under_checkpoint()
        if ctx.in_checkpoint:
            ctx.save_for_backward(*(index for _, index in places))
        return _taken(x, places)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Put back."""
        if ctx.in_checkpoint:
            check_recomputed(ctx.saved_tensors, (index for _, index in ctx.places))
        return put_back(grads[0], ctx.places, ctx.shape, ctx.order), None


class Put(Function):
    """Zeros but for the part at some places; the gradient is ``Take``."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, places: Places, shape: torch.Size, order: Order) -> Tensor:
        """Put, and remember where to."""
        ctx.places = places
        return _put(part, places, shape, order)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Take."""
        return take(grads[0], ctx.places), None, None, None


_take: Callable[..., Any] = plain_apply(Take)
_put_apply: Callable[..., Any] = plain_apply(Put)


def put_back(part: Tensor, places: Places, shape: torch.Size, order: Order) -> Tensor:
    """A gradient put back in the layout of what it was taken from; it may want a gradient of its own."""
    if part.requires_grad and torch.is_grad_enabled() and not transforms_active():
        put: Tensor = _put_apply(part, places, shape, order)
        return put
    return _put(part, places, shape, order)
