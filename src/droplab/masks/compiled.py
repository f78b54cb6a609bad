"""Dropout as operators of torch's dispatcher: for ``torch.compile``, ``torch.export`` and tensors that hold no memory.

``droplab::mask`` is opaque to the compiler and runs the kernel; all of a key comes as tensors, so that a new seed,
step or rate compiles nothing anew. ``droplab::draw`` takes a seed from the default generator. Its tag says that it
draws: graphs keep each call, and compiled activation checkpointing restores the generator before it draws again. A
memory budget below 1 recomputes it without doing that, so it is refused. Where the reference backend is forced, its
integer operations are traced instead.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from droplab import kernels
from droplab.errors import UserError
from droplab.kernels import reference
from droplab.kernels.job import Job, Law
from droplab.masks.checking import check_shared
from droplab.masks.internals import dual_level, exporting_to_onnx, memory_budget, transforms_active
from droplab.masks.key import Key, named
from droplab.masks.seeds import draw_under_transforms

_library: Any = torch.library.Library("droplab", "DEF")  # type: ignore[no-untyped-call]
_library.define(
    "mask(Tensor x, Tensor p, Tensor seed, Tensor step, Tensor samples, SymInt first, int layer, int batch_dim, "
    "int[] shared, int law) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag,),
)
_library.define("draw(Tensor like) -> Tensor", tags=(torch.Tag.pt2_compliant_tag, torch.Tag.nondeterministic_seeded))


def _job(
    p: Tensor, seed: Tensor, step: Tensor, samples: Tensor, first: int, layer: int, batch_dim: int,
    shared: list[int], law: int,
) -> Job:  # fmt: skip
    ids = samples + first if samples.ndim == 0 else samples
    return Job(p, seed, step, layer, ids, None if batch_dim < 0 else batch_dim, tuple(shared), Law(law))


def _mask(x: Tensor, *key: Any) -> Tensor:
    out = torch.empty_like(x)
    kernels.apply(x, out, _job(*key))
    return out


def _refuse_onnx() -> None:
    if exporting_to_onnx():
        raise UserError(
            "ONNX has no operator for droplab's dropout in training mode, whose masks are named by keys. Export "
            "model.eval(), in which dropout does nothing; or take droplab's layers out first: undo() of what "
            "droplab.replace or droplab.apply_rates returned"
        )


def _mask_fake(x: Tensor, *_key: Any) -> Tensor:
    _refuse_onnx()
    return torch.empty_like(x)


def _draw(like: Tensor) -> Tensor:
    return torch.empty((), dtype=torch.int64, device=like.device).random_(-(2**63), None)


def _draw_fake(like: Tensor) -> Tensor:
    if memory_budget() < 1:
        raise UserError(
            f"dropout without a key cannot be compiled with activation_memory_budget = {memory_budget():g}: torch may "
            "draw its mask anew in the backward pass. Use a budget of 1, or name the masks, which works with every "
            "budget: with droplab.keyed(model, ...)"
        )
    return torch.empty((), dtype=torch.int64, device=like.device)


for _device in ("CPU", "CUDA"):
    _library.impl("mask", _mask, _device)
    _library.impl("draw", _draw, _device)
torch.library.register_fake("droplab::mask", _mask_fake, lib=_library)
torch.library.register_fake("droplab::draw", _draw_fake, lib=_library)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001  # torch's signature
    _, p, seed, step, samples, *ctx.rest = inputs
    ctx.save_for_backward(p, seed, step, samples)


def _backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    *rest, law = ctx.rest
    masked = torch.ops.droplab.mask(grad, *ctx.saved_tensors, *rest, int(Law(law).derivative))
    return masked, *[None] * 9


torch.library.register_autograd("droplab::mask", _backward, setup_context=_setup, lib=_library)


def _tensor(value: float | Tensor, dtype: torch.dtype, x: Tensor) -> Tensor:
    """A number as a 0-d tensor; 64 bits are wrapped.

    In a graph it is beside the input: a CUDA graph would freeze what lies on the CPU. Elsewhere it is on the CPU,
    whatever the default device is, where it is read without waiting.
    """
    inside = torch.compiler.is_compiling()
    if isinstance(value, Tensor):
        return value.to(x.device) if inside else value
    if isinstance(value, int) and dtype == torch.int64 and value >= 1 << 63:
        value -= 1 << 64
    if inside and not x.is_cpu:
        return torch.full((), value, dtype=dtype, device=x.device)
    return torch.tensor(value, dtype=dtype, device="cpu")


def masked(x: Tensor, p: float | Tensor, key: Key | None, shared: tuple[int, ...], law: Law) -> Tensor:
    """``functional.drop`` for graphs, and for what a kernel cannot be pointed to.

    Under ``torch.func``'s transforms and forward-mode differentiation, which the operator knows nothing of, the
    reference's operations are traced.
    """
    transformed = transforms_active() or dual_level()
    if key is None:
        seed = draw_under_transforms(x) if transforms_active() else torch.ops.droplab.draw(x)
        job = Job(p, seed, 0, 0, 0, None, shared, law)
    else:
        numbers = named(key, x.ndim)
        check_shared(shared, numbers.batch_dim)
        job = Job(p, numbers.seed, numbers.step, key.layer_id, numbers.samples, numbers.batch_dim, shared, law)
    if transformed or kernels.forced() == "reference":
        return reference.compute(x, job._replace(p=_tensor(p, torch.float64, x)))
    return carried_out(x, job)


def carried_out(x: Tensor, job: Job) -> Tensor:
    """A job by the operator, whose arguments are tensors.

    Raises:
        UserError: a subclass of Tensor that does not take the operator.
    """
    p, seed, step, layer, samples, batch_dim, shared, law = job
    ids, first = (samples, 0) if isinstance(samples, Tensor) else (_tensor(0, torch.int64, x), samples)
    arguments = (
        _tensor(p, torch.float64, x), _tensor(seed, torch.int64, x), _tensor(step, torch.int64, x), ids, first, layer,
        -1 if batch_dim is None else batch_dim, list(shared), int(law),
    )  # fmt: skip
    return cast(Tensor, torch.ops.droplab.mask(x, *arguments))
