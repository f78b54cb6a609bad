"""Backward passes of an audit: whether autograd refuses, and whether the gradient is that of the forward pass."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from enum import Enum
from typing import Any

import torch
from torch import Tensor, nn
from torch._dynamo import OptimizedModule

from droplab.auditing.passes import own
from droplab.surgery.tensors import tensors

_STEP = 1e-6
_WIDE = 1e-3
"""Relative; in float64 the two agree to about 1e-8."""


class Answer(Enum):
    """Whether gradient and differences agree."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


def is_compiled(model: nn.Module) -> bool:
    """Whether a part of a model is compiled."""
    return any(
        isinstance(module, OptimizedModule) or module.__dict__.get("_compiled_call_impl") is not None
        for module in model.modules()
    )


def backward_refused(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether the backward pass in train mode finds a value that was written over. No ``grad`` is touched."""
    model.train()
    wanted = [weight for weight in model.parameters() if weight.requires_grad]
    with warnings.catch_warnings(), torch.enable_grad(), torch.compiler.set_stance("force_eager"):
        warnings.simplefilter("ignore")
        try:
            total = _sum(model(*own(args), **own(dict(kwargs))))
            if total.requires_grad and wanted:
                torch.autograd.grad(total, wanted, allow_unused=True)
        except RuntimeError as problem:
            return "modified by an inplace operation" in str(problem)
    return False


def agreement(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Answer:
    """Compare the gradient with differences, in one direction, on a copy of the model in float64.

    All passes begin with the same state of the generators, so that their masks are equal. Where two forward passes
    still differ, or the model does not compute in float64, nothing is known.
    """
    try:
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore")
            return _agreement(copy.deepcopy(model).double().train(), _wide(own(args)), _wide(own(dict(kwargs))))
    except Exception:  # noqa: BLE001  # a model that cannot be copied, or has no float64
        return Answer.UNKNOWN


def _agreement(model: nn.Module, args: Any, kwargs: Any) -> Answer:
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    state = torch.get_rng_state()
    noise = torch.Generator().manual_seed(0)
    ways = [torch.randn(weight.shape, generator=noise, dtype=torch.float64).to(weight.device) for weight in weights]

    def loss() -> Tensor:
        torch.set_rng_state(state)
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        return _sum(model(*own(args), **own(kwargs)))

    def at(step: float) -> float:
        with torch.no_grad():
            for weight, way in zip(weights, ways, strict=True):
                weight.add_(way, alpha=step)
        value = float(loss())
        with torch.no_grad():
            for weight, way in zip(weights, ways, strict=True):
                weight.sub_(way, alpha=step)
        return value

    first = loss()
    grads = torch.autograd.grad(first, weights, allow_unused=True)
    mine = sum(float((grad * way).sum()) for grad, way in zip(grads, ways, strict=True) if grad is not None)
    again = float(loss())
    if abs(again - float(first)) > 1e-9 * max(1.0, abs(again)):
        return Answer.UNKNOWN
    theirs = (at(_STEP) - at(-_STEP)) / (2 * _STEP)
    return Answer.DIFFERS if abs(mine - theirs) > _WIDE * max(abs(theirs), abs(mine), 1e-6) else Answer.AGREES


def _wide(values: Any) -> Any:
    if isinstance(values, Tensor):
        return values.double() if values.is_floating_point() else values
    if type(values) in {list, tuple}:
        return type(values)(_wide(value) for value in values)
    return {name: _wide(value) for name, value in values.items()} if type(values) is dict else values


def _sum(output: Any) -> Tensor:
    """One number from all floating numbers that a model gives, each with a weight of its own."""
    total = torch.zeros(())
    for x in tensors(output):
        if x.is_floating_point():
            weights = torch.linspace(1.0, 2.0, x.numel(), dtype=x.dtype, device=x.device).view(x.shape)
            total = total.to(x) + (x * weights).sum()
    return total
