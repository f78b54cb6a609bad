"""Dropout and residual addition in one pass over memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from droplab import kernels
from droplab.errors import UserError
from droplab.functional.checking import check_input, check_rate
from droplab.functional.internals import dual_level, plain_apply, transforms_active
from droplab.functional.key import Key
from droplab.functional.masked import again, drop, is_plain, make_job
from droplab.functional.seeds import draw
from droplab.kernels.job import Job


def dropout_add(
    input: Tensor,  # noqa: A002  # torch's name
    residual: Tensor,
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    key: Key | None = None,
) -> Tensor:
    """``residual + dropout(input)``, fused: two reads and one write, no mask and nothing else kept for backward.

    The gradient of the residual is the incoming gradient itself, that of the input the masked one. Half types are
    added in float32 and rounded once. Under ``torch.func``'s transforms and ``torch.compile`` the two operations are
    apart, and rounded apart.

    Args:
        input: any shape, floating point.
        residual: of the same shape and dtype.
        p: drop rate in [0, 1].
        training: where false, ``input + residual``.
        key: as for ``dropout``.

    Raises:
        UserError: shapes or dtypes differ, ``p`` outside [0, 1], or an input that is not floating point.

    >>> key = Key(seed=0, layer="block1", batch_dim=None)
    >>> dropout_add(torch.ones(4), torch.tensor([1.0, 2.0, 3.0, 4.0]), 0.5, key=key)
    tensor([1., 4., 3., 6.])
    """
    check_rate(p)
    check_input(input, "dropout_add")
    if input.shape != residual.shape or input.dtype != residual.dtype or input.device != residual.device:
        raise UserError(
            f"dropout_add got an input of {tuple(input.shape)} {input.dtype} on {input.device} and a residual of "
            f"{tuple(residual.shape)} {residual.dtype} on {residual.device}; the same three are wanted"
        )
    if not training or (not isinstance(p, Tensor) and p == 0):
        return input + residual
    graph = torch.compiler.is_compiling()  # asked first: Dynamo traces nothing of what the others ask
    if graph or not (is_plain(input) and is_plain(residual)) or transforms_active() or dual_level():
        return drop(input, p, key=key) + residual
    job = make_job(input, p, draw(input) if key is None else None, key, (), kernels.Law.PLAIN)
    return _plain_apply(input, residual, job, key is None)


class MaskedAdd(Function):
    """``residual + masked(input)``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, residual: Tensor, job: Job, drop_in: bool) -> Tensor:
        """One pass."""
        ctx.job, ctx.drop_in = job, drop_in
        ctx.set_materialize_grads(False)
        out = torch.empty_like(x)
        kernels.apply(x, out, job, residual)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The masked gradient and the gradient itself."""
        (grad,) = grads
        if grad is None:
            return None, None, None, None
        masked = again(grad, ctx.job, ctx.drop_in) if ctx.needs_input_grad[0] else None
        return masked, grad, None, None


_plain_apply: Callable[..., Tensor] = plain_apply(MaskedAdd)
