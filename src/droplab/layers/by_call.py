"""Rates of single calls: the second call of a layer in a forward pass may drop at another rate than the first.

A call is known by its place in the forward pass of the model, not in the block: where a step runs the model twice,
the second run begins again with the first call. A hook before the model's forward notes where a run begins.
"""

from __future__ import annotations

import weakref
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from droplab.errors import KeyingError, SiteError
from droplab.layers.counting import known_in_trace
from droplab.masks.internals import forget_graphs

_layers: weakref.WeakSet[Any] = weakref.WeakSet()
"""All of this process that have such rates."""


class Passes:
    """A hook before a model's forward: for each layer that ``names`` names, so many calls came before this pass."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()

    def __call__(self, owner: nn.Module, _args: Any) -> None:
        """What torch calls."""
        for name in self.names:
            layer: Any = owner.get_submodule(name)
            if getattr(layer, "_call_p", None) is None or layer._keying is None:
                continue
            calls = max(layer._calls, layer._calls_in_graphs)
            if torch.compiler.is_compiling():
                calls = known_in_trace(layer._layer_id, calls)
            layer._begins = (*layer._begins, calls) if calls else (0,)


def begin_block(keying: Any) -> None:
    """A ``keyed`` block begins: no forward pass has begun in it."""
    for layer in _layers if len(_layers) else ():
        if layer.__dict__.get("_keying") is keying:
            layer.__dict__["_begins"] = ()


def rate_of_call(layer: Any, number: int) -> Any:
    """The rate of a call that is the ``number``-th of the block; that of the layer where it has none of its own.

    Raises:
        KeyingError: the layer is not keyed, so that nobody counts its calls.
    """
    if not number:
        raise (ValueError if torch.compiler.is_compiling() else KeyingError)(
            f"{_calls(layer)}, and calls are counted within `with droplab.keyed(model, ...)` only. Call the model "
            "there, or undo() the change that set these rates"
        )
    before = 0
    for begin in layer._begins:
        if begin < number:
            before = begin
    place = number - before
    rates = layer._call_rates if torch.compiler.is_compiling() else layer._call_p
    return rates[place] if place in rates else layer._current_rate()


def refuse_one_rate(layer: Any) -> None:
    """Raised by a layer that asks for a key alone, and so has one rate for all of its calls."""
    raise SiteError(
        f"{_calls(layer)}, and its forward uses one rate for all. A forward of yours gets both from `rate, key = "
        "self._rated(input)`"
    )


def _calls(layer: Any) -> str:
    return f"calls of a {type(layer).__name__} have rates of their own ({', '.join(f'#{n}' for n in layer._call_p)})"


def calls_seen(layer: Any) -> int:
    """How often a layer was called in a forward pass of the last ``keyed`` block; the most of several passes."""
    calls: int = max(layer._calls, layer._calls_in_graphs)
    begins = [*layer._begins, calls]
    return max((after - before for before, after in pairwise(begins)), default=calls)


def set_call_rate(layer: Any, call: int, value: Any) -> None:
    """Give a call a rate, a number in [0, 1]; ``None`` takes it away again."""
    state = layer.__dict__
    if state.get("_call_p") is None:
        state["_call_p"], state["_call_rates"] = {}, {}
    if (value is None) is (call in state["_call_p"]):
        forget_graphs()  # which calls have rates, and hooks, are not what Dynamo guards
    if value is None:
        state["_call_p"].pop(call, None)
        state["_call_rates"].pop(call, None)
        if not state["_call_p"]:
            del state["_call_p"], state["_call_rates"]
            state.pop("_begins", None)
            _layers.discard(layer)
        return
    _layers.add(layer)
    state["_call_p"][call] = value
    if call in state["_call_rates"]:
        state["_call_rates"][call].fill_(value)
    else:
        state["_call_rates"][call] = torch.tensor(value, dtype=torch.float64, device=_device(layer))


def hand_on(new: Any, old: nn.Module) -> None:
    """A layer that takes another's place has the rates of its calls."""
    given = old.__dict__.get("_call_p") if hasattr(type(new), "_call_p") else None
    for call, value in (given or {}).items():
        set_call_rate(new, call, value)


def watch(model: nn.Module, name: str) -> None:
    """See that the forward passes in which a layer is called are told apart; doing it twice is doing it once."""
    owner, path = _owner(model, name)
    passes = next((hook for hook in owner._forward_pre_hooks.values() if isinstance(hook, Passes)), None)
    if passes is None:
        passes = Passes()
        owner.register_forward_pre_hook(passes)
    passes.names = tuple(dict.fromkeys((*passes.names, path)))


def unwatch(model: nn.Module, name: str) -> None:
    """No call of the layer has a rate of its own any more; the inverse of ``watch``."""
    owner, path = _owner(model, name)
    for number, hook in list(owner._forward_pre_hooks.items()):
        if isinstance(hook, Passes):
            hook.names = tuple(other for other in hook.names if other != path)
            if not hook.names:
                del owner._forward_pre_hooks[number]


def _owner(model: nn.Module, name: str) -> tuple[nn.Module, str]:
    """The outermost module around a layer that has a forward, and the layer's name in it."""
    module, parts = model, name.split(".")
    while len(parts) > 1 and type(module).forward is nn.Module.forward:
        module = module.get_submodule(parts.pop(0))
    return module, ".".join(parts)


def _device(layer: Any) -> torch.device:
    rate: Tensor | None = layer.__dict__.get("_rate")
    return torch.device("cpu") if rate is None else rate.device
