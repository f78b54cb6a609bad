"""A product with random numbers of which nothing is kept: backward draws them again.

For factors that are more than the yes or no of a mask, which ``drop.py`` is for. The product is linear in the
input, so its gradient and tangent are products with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from droplab.kernels.job import Job, Law
from droplab.kernels.reference import HALF
from droplab.masks.drop import fingerprint, is_plain, make_job
from droplab.masks.internals import dual_level, is_batched_gradient, plain_apply, transforms_active, under_checkpoint
from droplab.masks.key import Key
from droplab.masks.recomputed import check_recomputed
from droplab.masks.seeds import draw

Factor = Callable[[Tensor, Any, Key | None], Tensor]
"""From an input (whose values are not looked at), a rate and a key to numbers that broadcast to the input; float32
or float64. Drawn by ``noise.uniform`` and ``noise.normal``; the same for the same key."""


def multiply(x: Tensor, p: float | Tensor, key: Key | None, factor: Factor) -> Tensor:
    """``x factor(x, p, key)``; halves are computed in float32 and rounded once.

    Under ``torch.compile`` and ``torch.func``'s transforms the operations are traced, and what is kept for the
    backward pass is theirs to decide.

    >>> multiply(torch.ones(3), 2.0, None, lambda x, p, key: torch.full((3,), p))
    tensor([2., 2., 2.])
    """
    if torch.compiler.is_compiling() or transforms_active() or not is_plain(x):
        return _product(x, factor(x, p, key))
    drawn = _drawn(x) if key is None else key
    job = make_job(x, p, None, drawn, (), Law.PLAIN)  # values of now
    if (x.requires_grad and torch.is_grad_enabled()) or dual_level():
        result: Tensor = _apply(x, job, factor, key is None)
        return result
    return _product(x, _numbers(x, job, factor))


def _drawn(x: Tensor) -> Key:
    """A seed from torch's default generator, as a key."""
    return Key(draw(x), 0, batch_dim=None)


def _numbers(x: Tensor, job: Job, factor: Factor) -> Tensor:
    return factor(x, job.p, Key(job.seed, job.layer, job.step, job.samples, job.batch_dim))


def _product(x: Tensor, numbers: Tensor) -> Tensor:
    return (x.float() * numbers).to(x.dtype) if x.dtype in HALF else x * numbers


class Multiplied(Function):
    """The product for a job, which holds no tensor of the input's size."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, job: Job, factor: Factor, drop_in: bool) -> Tensor:
        """Draw and multiply."""
        ctx.job, ctx.factor, ctx.drop_in = job, factor, drop_in
        ctx.set_materialize_grads(False)
        ctx.in_checkpoint = not drop_in and under_checkpoint()
        if ctx.in_checkpoint:
            ctx.save_for_backward(fingerprint(job))
        return _product(x, _numbers(x, job, factor))

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Draw again and multiply the gradient."""
        (grad,) = grads
        if ctx.in_checkpoint:
            check_recomputed(ctx.saved_tensors, (fingerprint(ctx.job),))
        if grad is None:
            return None, None, None, None
        return _again(grad, ctx), None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        """Draw again and multiply the tangent."""
        return None if tangents[0] is None else _again(tangents[0], ctx)


def _again(x: Tensor, ctx: Any) -> Tensor:
    """A gradient or tangent may want a gradient of its own, or be many at once."""
    if is_batched_gradient(x) or transforms_active():
        return _product(x, _numbers(x, ctx.job, ctx.factor))
    if (x.requires_grad and torch.is_grad_enabled()) or dual_level():
        result: Tensor = _apply(x, ctx.job, ctx.factor, ctx.drop_in)
        return result
    return _product(x, _numbers(x, ctx.job, ctx.factor))


_apply: Callable[..., Tensor] = plain_apply(Multiplied)
