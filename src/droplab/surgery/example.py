"""A forward pass of a model, made once and remembered: with what it is called, and what it then does."""

from __future__ import annotations

import random
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from droplab import global_numpy
from droplab.errors import ModelError, SiteError, quote, words_of
from droplab.layers.doorway import doorways
from droplab.layers.serving import serving
from droplab.surgery.drawing import Drawing
from droplab.surgery.draws import users_place
from droplab.surgery.flow import Flow
from droplab.surgery.tensors import tensors
from droplab.surgery.tracing import Tracer


class _Example(NamedTuple):
    inputs: tuple[Any, ...]
    named: dict[str, Any]


_examples: weakref.WeakKeyDictionary[nn.Module, _Example] = weakref.WeakKeyDictionary()
_flows: weakref.WeakKeyDictionary[nn.Module, tuple[tuple[str, ...], Flow]] = weakref.WeakKeyDictionary()


def remember(model: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any] | None = None) -> None:
    """What a model is called with, for patterns that need a forward pass; it is made when one asks for it."""
    _examples[model] = _Example(inputs, named or {})
    _flows.pop(model, None)


def refuse_others(model: Any, caller: str) -> None:
    """Models are torch's modules.

    Raises:
        ModelError: it is something else.
    """
    if not isinstance(model, nn.Module):
        raise ModelError(f"droplab.{caller} got {quote(model)}, a {type(model).__name__}; a torch.nn.Module is wanted")


def example_of(model: nn.Module) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """What a model is called with, where that is known."""
    return _examples.get(model)


def carry(model: nn.Module, copied: nn.Module) -> None:
    """A copy is called with what its original is called with."""
    example = _examples.get(model)
    if example is not None:
        remember(copied, *example)


def seen(model: nn.Module) -> Flow | None:
    """What a forward pass of the model does; ``None`` where nobody told what the model is called with.

    Raises:
        ModelError: the model raises.
    """
    names = tuple(name for name, _ in model.named_modules())
    known = _flows.get(model)
    if known is not None and known[0] == names:
        return known[1]
    example = _examples.get(model)
    if example is None:
        return None
    flow = _traced(model, example)
    _flows[model] = names, flow
    return flow


def flow_of(model: nn.Module, pattern: str) -> Flow:
    """The same, for a pattern that needs it.

    Raises:
        SiteError: nobody told what the model is called with.
    """
    flow = seen(model)
    if flow is None:
        raise SiteError(
            f"{pattern!r} is found by a forward pass of the {type(model).__name__}, and it is not known what that is "
            "called with. Give an input, droplab.insert(model, {...}, x), or call droplab.sites(model, x) once before"
        )
    return flow


def _traced(model: nn.Module, example: _Example) -> Flow:
    inner = getattr(model, "_orig_mod", model)
    tracer = Tracer(model)
    with _quietly(model), tracer, Drawing(tracer.draws):
        given = [tracer.node(value) for value in tensors(tuple(example))]
        try:
            output = tracer.run(inner, *example)
        except Exception as problem:
            place = users_place(problem)
            raise ModelError(
                f"a forward pass of the {type(model).__name__} in training mode raised {words_of(problem)}"
                f"{f' (at {place})' if place else ''}; give what the model is called with"
            ) from problem
        gave = [tracer.node(value) for value in tensors(output) if value.is_floating_point()]
    weighted = [name for name, module in model.named_modules() if any(True for _ in module.parameters(recurse=False))]
    flow = Flow(tracer.nodes, tracer.calls, gave, given, weighted)
    flow.functions, flow.otherwise, flow.drew = tracer.functions, tracer.otherwise, tracer.drew
    return flow


@contextmanager
def _quietly(model: nn.Module) -> Iterator[None]:
    """In training mode, eager and without gradients; doorways are shut, and functions the model's own.

    Buffers, modes and the generators of torch, NumPy and Python come back.
    """
    modules = list(model.modules())
    served = [found for module in modules if (found := serving(module)) is not None]
    python, numpy = random.getstate(), global_numpy.held()
    modes = [module.training for module in modules]
    buffers = [
        (module, name, value, value.detach().clone())
        for module in modules
        for name, value in module._buffers.items()  # noqa: SLF001  # a buffer may be assigned anew
        if isinstance(value, Tensor)
    ]
    open_doors = [(doorway, doorway.layer) for module in modules for doorway in doorways(module).values()]
    devices = sorted({value.device.index or 0 for value in model.parameters() if value.is_cuda})
    with (
        torch.random.fork_rng(devices),
        torch.no_grad(),
        torch.compiler.set_stance("force_eager"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            for doorway, _ in open_doors:
                doorway.layer = nn.Identity()
            for found in served:
                found.paused = True
            model.train()
            yield
        finally:
            random.setstate(python)
            global_numpy.put_back(numpy)
            for found in served:
                del found.paused
            for doorway, layer in open_doors:
                doorway.layer = layer
            for module, mode in zip(modules, modes, strict=True):
                module.training = mode
            for module, name, value, content in buffers:
                value.copy_(content)
                module._buffers[name] = value  # noqa: SLF001
