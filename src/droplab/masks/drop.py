"""A job carried out under autograd: nothing of the input's size is kept, backward draws the mask again.

The mask is linear in the input, so its gradient, its tangent and the gradient of its gradient are the same mask
applied to something else; ``Masked`` therefore calls itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.graph import increment_version

from droplab import kernels, rng
from droplab.errors import UserError
from droplab.kernels import reference
from droplab.kernels.job import Job, Law
from droplab.masks import compiled
from droplab.masks.checking import PLAIN_TENSORS, check_input, check_number, check_shared, dimensions, is_zero
from droplab.masks.inplace import check_in_place, written_in_graph
from droplab.masks.internals import (
    dual_level,
    functionalizing,
    is_batched_gradient,
    jit_tracing,
    mode_of,
    modes_active,
    plain_apply,
    transforms_active,
    under_checkpoint,
)
from droplab.masks.key import Key, check_ids, named, sample_ids, whole_number
from droplab.masks.recomputed import check_recomputed
from droplab.masks.seeds import draw, draw_under_transforms


def drop(
    x: Tensor,
    p: float | Tensor,
    *,
    inplace: bool = False,
    key: Key | None = None,
    shared: tuple[int, ...] = (),
    law: Law = Law.PLAIN,
) -> Tensor:
    """Dropout in training mode with everything explicit; the other functions are shells around it.

    Args:
        x: any shape, floating point.
        p: drop rate; a number in [0, 1] (checked by the caller) or a 0-d tensor.
        inplace: write into ``x``.
        key: names the mask; a seed from torch's default generator where absent.
        shared: dimensions along which one draw is shared: ``(2, 3)`` drops whole channels of ``(N, C, H, W)``,
            ``(1,)`` locks a mask over the time of ``(N, T, H)``, ``(1, 2, 3)`` drops whole samples; negative ones
            count from the last.
        law: what becomes of kept and dropped units.

    Raises:
        UserError: the input is not floating point, or ``shared`` names a dimension that it does not have.
        KeyingError: a key whose numbers do not fit, or whose samples lie along a shared dimension.
        InPlaceError: in place where torch refuses it too.

    >>> drop(torch.ones(2, 3, 2), 0.5, shared=(2,), key=Key(seed=0, layer=1))
    tensor([[[0., 0.],
             [0., 0.],
             [0., 0.]],
    <BLANKLINE>
            [[0., 0.],
             [2., 2.],
             [2., 2.]]])
    """
    plain = type(x) in PLAIN_TENSORS
    if not plain or not x.is_floating_point() or x.layout is not torch.strided or x.is_nested:
        check_input(x, "dropout")  # complex numbers and most subclasses are fine
    if is_zero(p):
        return x
    if shared:
        shared = dimensions(shared, x.ndim)
    if torch.compiler.is_compiling():
        result = compiled.masked(x, p, key, shared, law)
        return written_in_graph(x, result) if inplace else result
    if not plain or transforms_active() or modes_active():
        result = _elsewhere(x, p, key, shared, law)
        return x.copy_(result) if inplace else result  # copy_ refuses what torch refuses
    if inplace:
        check_in_place(x)
    job = make_job(x, p, draw(x) if key is None else None, key, shared, law)
    if (x.requires_grad and torch.is_grad_enabled()) or dual_level():
        masked: Tensor = _plain_apply(x, job, inplace, key is None)
        return masked
    return _in_place(x, job) if inplace else _carry_out(x, job)


def _elsewhere(x: Tensor, p: float | Tensor, key: Key | None, shared: tuple[int, ...], law: Law) -> Tensor:
    """Where no kernel can be pointed to the input, or a tracer would not see what a kernel writes."""
    _refuse_jit_trace()
    if transforms_active():
        job = make_job(x, p, draw_under_transforms(x) if key is None else None, key, shared, law)
        if functionalizing():  # which knows no custom function
            return reference.compute(x, job)
        result: Tensor = _full_apply(x, job, False, key is None)
        return result
    with mode_of(x):
        return compiled.masked(x, p, key, shared, law)


def is_plain(x: Tensor) -> bool:
    """Whether a kernel can be pointed to a tensor's memory: no fake, no wrapper, no tracer that would not see it.

    Raises:
        UserError: ``torch.jit.trace`` is at work.
    """
    if type(x) not in PLAIN_TENSORS:
        return False
    if not modes_active():
        return True
    _refuse_jit_trace()
    return False


def _refuse_jit_trace() -> None:
    """It records numbers as constants: what it traced would drop the same units for ever, or memory never written."""
    if jit_tracing():
        raise UserError(
            "torch.jit.trace (and ONNX's old exporter, which uses it) cannot record droplab's dropout in training "
            "mode: its masks would become constants. Trace model.eval(), in which dropout does nothing; or use "
            "torch.compile or torch.export"
        )


def make_job(
    x: Tensor, p: float | Tensor, seed: Any, key: Key | None, shared: tuple[int, ...], law: Law
) -> Job:  # fmt: skip
    """A job from a key, or from a seed where there is none. Its tensors are values of now: backward needs the same.

    Raises:
        UserError: a tensor ``p`` outside [0, 1].
        KeyingError: a key whose numbers do not fit, or whose samples lie along a shared dimension.
    """
    if isinstance(p, Tensor):
        p = _now(p)
        check_number(p)
    if key is None:
        return Job(p, seed, 0, 0, 0, None, shared, law)
    return keyed_job(x.shape, p, key, shared, law)


def keyed_job(shape: tuple[int, ...], p: float | Tensor, key: Key, shared: tuple[int, ...], law: Law) -> Job:
    """A job from a key for a tensor of a shape; see ``make_job``."""
    seed, _, step, samples, batch_dim = key
    fits = type(seed) is type(step) is type(samples) is int and 0 <= seed <= _FULL and 0 <= step <= _LOW
    if not fits or samples or batch_dim is None or not 0 <= batch_dim < len(shape):  # else all is as it mostly is
        seed, step, samples, batch_dim = named(key, len(shape))
        step = whole_number(_now(step), "step", 0, _LOW, 32)
        samples = _ids(samples, shape, batch_dim)
    if shared:
        check_shared(shared, batch_dim)
    return Job(p, _now(seed), step, key.layer_id, samples, batch_dim, shared, law)


def _ids(samples: int | Tensor, shape: tuple[int, ...], batch_dim: int | None) -> int | Tensor:
    """Sample ids as values of now, in their range."""
    if isinstance(samples, Tensor):
        if samples.ndim and not transforms_active():
            check_ids(samples)
        samples = sample_ids(_now(samples))
    if isinstance(samples, int) and batch_dim is not None and shape[batch_dim]:
        whole_number(samples + shape[batch_dim] - 1, "the last of samples", 0, _LOW, 32)
    return samples


def _now(value: Any) -> Any:
    """A value that no later change of a tensor in place can reach."""
    if not isinstance(value, Tensor):
        return value
    looked_at = value.ndim == 0 and value.is_cpu and not transforms_active() and not modes_active()
    return value.item() if looked_at else value.clone()


def _carry_out(x: Tensor, job: Job) -> Tensor:
    """The job by a kernel, or by the operator where a kernel cannot be pointed to the tensor."""
    if type(x) not in PLAIN_TENSORS or modes_active():
        with mode_of(x):
            return compiled.carried_out(x, job)
    out = torch.empty_like(x)
    kernels.apply(x, out, job)
    return out


def _in_place(x: Tensor, job: Job) -> Tensor:
    kernels.apply(x, x, job)
    if not x.is_inference():
        increment_version(x)
    return x


class Masked(Function):
    """``kept ? a x + b : c`` for a job."""

    @staticmethod
    def forward(x: Tensor, job: Job, inplace: bool, drop_in: bool) -> Tensor:  # noqa: ARG004  # vmap asks for it
        """Carry the job out, in place where asked for."""
        if not inplace:
            return _carry_out(x, job)
        kernels.apply(x, x, job)
        return x

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Job, bool, bool], output: Tensor) -> None:
        """Keep the job, which holds no tensor of the input's size."""
        _, ctx.job, ctx.inplace, ctx.drop_in = inputs
        ctx.set_materialize_grads(False)
        if ctx.inplace:
            ctx.mark_dirty(output)
        ctx.in_checkpoint = not ctx.drop_in and under_checkpoint()
        if ctx.in_checkpoint:
            ctx.save_for_backward(fingerprint(ctx.job))

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The same mask on the gradient."""
        (grad,) = grads
        if ctx.in_checkpoint:
            check_recomputed(ctx.saved_tensors, (fingerprint(ctx.job),))
        if grad is None:
            return None, None, None, None
        return again(grad, ctx.job.derivative(), ctx.drop_in), None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        """The same mask on the tangent; in place where the forward was."""
        tangent = tangents[0]
        if tangent is None:
            return None
        found = again(tangent, ctx.job.derivative(), ctx.drop_in)
        return tangent.copy_(found) if ctx.inplace else found

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], x: Tensor, job: Job, inplace: bool, drop_in: bool  # noqa: ARG004
    ) -> tuple[Tensor, int]:  # fmt: skip
        """A batch of inputs, keys or rates; see ``batching.py``."""
        from droplab.masks.batching import batched

        return batched(_full_apply, info, in_dims, x, job, drop_in)


_LOW, _FULL = (1 << 32) - 1, (1 << 64) - 1
_full_apply: Callable[..., Tensor] = Masked.apply
_plain_apply: Callable[..., Tensor] = plain_apply(Masked)


def again(x: Tensor, job: Job, drop_in: bool) -> Tensor:
    """The job on a gradient or a tangent, which may want a gradient of its own."""
    if x.layout is not torch.strided:  # of a weight that was looked up sparsely
        x = x.to_dense()
    if transforms_active():
        return _full_apply(x, job, False, drop_in)
    if is_batched_gradient(x):  # no memory of its own to point a kernel to
        return reference.compute(x, job)
    if (x.requires_grad and torch.is_grad_enabled()) or dual_level():
        return _plain_apply(x, job, False, drop_in)
    return _carry_out(x, job)


def fingerprint(job: Job) -> Tensor:
    """What tells a job from others of its layer, as int64 numbers on the CPU: seed, step, layer, rate and samples."""
    samples = job.samples
    if isinstance(samples, Tensor) and samples.ndim:
        samples = int((samples.cpu() * torch.arange(1, 2 * len(samples), 2)).sum())  # depends on the order too
    numbers = int(job.seed), int(job.step), job.layer, rng.threshold(float(job.p)), int(samples)
    return torch.tensor([number % 2**63 for number in numbers], dtype=torch.int64)
