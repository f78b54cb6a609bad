"""Standard dropout, and dropout with residual addition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from droplab import kernels
from droplab.errors import UserError
from droplab.kernels.job import Job
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_input, check_rate, is_zero
from droplab.masks.drop import again, drop, is_plain, make_job
from droplab.masks.internals import dual_level, plain_apply, transforms_active
from droplab.masks.key import Key
from droplab.masks.seeds import draw
from droplab.variants.kind import IN_TRAINING, MASKED, Kind

__all__ = ["Dropout", "dropout", "dropout_add"]


def dropout(
    input: Tensor, p: float | Tensor = 0.5, training: bool = True, inplace: bool = False, *, key: Key | None = None
) -> Tensor:
    """Drop each element with probability ``p`` (not the keep rate) and scale the others by ``1 / (1 - p)``.

    ``y = m x / (1 - p)`` with ``m`` 0 with probability ``p``, else 1. Hinton et al., *Improving neural networks by
    preventing co-adaptation of feature detectors*, 2012; Srivastava et al., *Dropout*, JMLR 2014. Deviations from
    the papers: scaling happens in training, not at test time (as everywhere today); ``p`` is rounded to 16 bits and
    the scale is that of the rounded rate (see ``droplab.rng``). Unlike torch's, a dropped NaN or infinity is 0.

    Nothing is kept for the backward pass, which draws the mask again.

    Args:
        input: any shape, floating point.
        p: drop rate in [0, 1]; a 0-d tensor may change without recompiling. 0 returns the input itself, 1 zeros.
        training: where false, the input itself is returned.
        inplace: write into the input.
        key: names the mask; where absent a seed is drawn from torch's default generator.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point. It is a ``ValueError``, as torch's.

    >>> import torch
    >>> dropout(torch.ones(2, 5), 0.5, key=Key(seed=0, layer="fc1"))
    tensor([[2., 2., 0., 0., 0.],
            [0., 0., 0., 2., 2.]])
    >>> dropout(torch.ones(3), 0.5, training=False)
    tensor([1., 1., 1.])
    """
    check_rate(p)
    return drop(input, p, inplace=inplace, key=key) if training else input


def dropout_add(
    input: Tensor, residual: Tensor, p: float | Tensor = 0.5, training: bool = True, *, key: Key | None = None
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
    if not training or is_zero(p):
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


class Dropout(DropLayer, nn.Dropout):
    """Drop each element with probability ``p`` in training, scale the others by ``1 / (1 - p)``; identity in eval.

    See ``droplab.functional.dropout`` for equation, papers and deviations. In the place of ``torch.nn.Dropout``
    (which it is a subclass of): same arguments, errors and ``repr``, no mask kept for the backward pass, and keyed
    masks within ``droplab.keyed``.

    Args:
        p: drop rate in [0, 1].
        inplace: write into the input.

    Shapes: any; the output has the input's.

    >>> import torch
    >>> layer = Dropout(0.5)
    >>> layer
    Dropout(p=0.5, inplace=False)
    >>> layer.eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Any shape to the same shape."""
        if not self.training:
            return input
        rate, key = self._rated(input)
        return dropout(input, rate, True, self.inplace, key=key)


_SRIVASTAVA = "Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014"
KINDS = (
    Kind(
        "dropout", Dropout, _SRIVASTAVA, MASKED, "nothing", deviations=IN_TRAINING,
    ),
)  # fmt: skip
