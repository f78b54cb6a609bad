"""What every dropout function checks of its arguments."""

from __future__ import annotations

import torch
from torch import Tensor

from droplab.errors import KeyingError, RankError, UserError
from droplab.masks.internals import dual_level, has_tangent, transforms_active
from droplab.masks.rate import not_a_rate

PLAIN_TENSORS = {Tensor, torch.nn.Parameter}
"""Types whose memory is what they say; subclasses may hold something else, or nothing."""


def check_rate(p: float | Tensor, *, learned: bool = False) -> None:
    """Raise unless ``p`` is a number in [0, 1] or a 0-d floating point tensor (whose value is not looked at here).

    A mask passes no derivative to its rate, so a tensor of which one is wanted is refused, unless ``learned`` says that
    the caller's formula has one.

    >>> check_rate(1.5)
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: dropout probability has to be between 0 and 1, but got 1.5
    """
    if isinstance(p, Tensor):
        if p.ndim or not p.is_floating_point():
            raise UserError(
                f"dropout probability got a {p.dtype} tensor of shape {tuple(p.shape)}; a float or a 0-d floating "
                "point tensor is wanted"
            )
        if not learned and _wants_derivative(p):
            raise UserError(
                "dropout probability is a tensor of which a gradient or tangent is wanted, but a mask passes none to "
                "its rate, which would stay as it is. Hand over p.detach(), or learn the rate: concrete_dropout, "
                "variational dropout"
            )
        return
    if problem := not_a_rate(p):
        raise UserError(problem)


def _wants_derivative(p: Tensor) -> bool:
    if p.requires_grad and torch.is_grad_enabled():
        return True
    return (dual_level() or transforms_active()) and has_tangent(p)


def is_zero(p: float | Tensor) -> bool:
    """Whether a rate is the number 0, at which nothing is computed; a tensor is not looked at.

    >>> is_zero(0.0), is_zero(torch.tensor(0.0))
    (True, False)
    """
    return not isinstance(p, Tensor) and p == 0


def check_input(x: Tensor, name: str) -> None:
    """Raise unless an input can be scaled: its dtype, its layout, its type."""
    if x.layout is not torch.strided or x.is_nested:
        raise UserError(_layout_refused(x, name))
    if type(x) not in PLAIN_TENSORS and _is_distributed(x):
        raise UserError(
            f"{name} got a DTensor; droplab's masks are drawn where the data lie. Hand over the local part with the "
            "global ids of its samples: x.to_local(), key=key._replace(samples=...), and wrap the result again with "
            "DTensor.from_local"
        )
    if not (x.is_floating_point() or x.is_complex()):
        raise UserError(
            f"{name} got an input of dtype {x.dtype}; what is kept is scaled by 1 / (1 - p), so a floating point "
            "tensor is wanted. Convert it first: input.float()"
        )


def check_images(x: Tensor, name: str) -> None:
    """Raise unless an input can be scaled and is ``(N, C, H, W)``, or one sample of it.

    >>> check_images(torch.ones(3, 3), "conv")
    Traceback (most recent call last):
    ...
    droplab.errors.RankError: conv got 2 dimensions; (N, C, H, W) or (C, H, W) is wanted
    """
    check_input(x, name)
    if x.ndim not in {3, 4}:
        raise RankError(f"{name} got {x.ndim} dimensions; (N, C, H, W) or (C, H, W) is wanted")


def _layout_refused(x: Tensor, name: str) -> str:
    if not isinstance(x, Tensor):
        return (
            f"{name} got a {type(x).__name__}; a tensor is wanted. A tracer that runs Python on stand-ins (torch.fx."
            "symbolic_trace) cannot look inside: mark the function that calls it with torch.fx.wrap, make the layer a "
            "leaf of the tracer, or use torch.export or make_fx"
        )
    if x.is_nested:
        return (
            f"{name} got a nested tensor; drop its values and nest them again: "
            "torch.nested.nested_tensor_from_jagged(dropout(x.values(), p), x.offsets())"
        )
    return (
        f"{name} got a tensor of layout {x.layout}; what it does not store cannot be told from what is dropped. "
        "Make it dense, x.to_dense(), or drop its values and put them back"
    )


def _is_distributed(x: Tensor) -> bool:
    return any(kind.__name__ == "DTensor" and "distributed" in kind.__module__ for kind in type(x).__mro__)


def check_number(p: float | Tensor) -> None:
    """Raise where a tensor's value was looked at and is no rate.

    >>> check_number(1.5)
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: dropout probability has to be between 0 and 1, but got 1.5
    """
    if not isinstance(p, Tensor) and (problem := not_a_rate(p)):
        raise UserError(problem)


def dimensions(shared: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """Dimensions along which a draw is shared, counted from 0.

    Raises:
        RankError: one that an input does not have.

    >>> dimensions((-2, 0), 3)
    (1, 0)
    >>> dimensions((3,), 3)
    Traceback (most recent call last):
    ...
    droplab.errors.RankError: shared names dimension 3 of an input of 3; dimensions from -3 to 2 are wanted
    """
    if all(0 <= dim < ndim for dim in shared):
        return shared
    for dim in shared:
        if not -ndim <= dim < ndim:
            raise RankError(
                f"shared names dimension {dim} of an input of {ndim}; dimensions from {-ndim} to {ndim - 1} are wanted"
            )
    return tuple(dim % ndim for dim in shared)


def check_shared(shared: tuple[int, ...], batch_dim: int | None) -> None:
    """Raise where the dimension of samples is one along which a draw is shared.

    >>> check_shared((0,), 0)
    Traceback (most recent call last):
    ...
    droplab.errors.KeyingError: samples lie along dimension 0 (the key's batch_dim), along which one draw is shared; \
another one is wanted, key._replace(batch_dim=...), or None where one mask is for all
    """
    if batch_dim is not None and batch_dim in shared:
        raise KeyingError(
            f"samples lie along dimension {batch_dim} (the key's batch_dim), along which one draw is shared; another "
            "one is wanted, key._replace(batch_dim=...), or None where one mask is for all"
        )
