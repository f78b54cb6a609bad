"""Which call of a keyed layer a call is, in graphs too: told by their trace, and by an operator while they run."""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from droplab import rng
from droplab.errors import KeyingError
from droplab.masks.internals import (
    assume_constant,
    constant_number,
    current_trace,
    guarded,
    in_backward,
    may_be_recomputed,
    tracing_subgraph,
)  # fmt: skip

_library: Any = torch.library.Library("droplab", "FRAGMENT")  # type: ignore[no-untyped-call]
_library.define("count_call(Tensor seed, int token, int call) -> Tensor", tags=(torch.Tag.pt2_compliant_tag,))

_numbers = itertools.count(1)
_layers: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def token(layer: Any) -> int:
    """The number under which a graph knows a layer of this process."""
    found = layer.__dict__.get("_token", 0)
    if _layers.get(found) is not layer:  # a copy has a number of its own
        found = layer.__dict__["_token"] = next(_numbers)
        _layers[found] = layer
    return int(found)


def _count_call(seed: Tensor, number: int, call: int) -> Tensor:
    layer = _layers.get(number)
    if layer is not None:
        layer.count_in_graph(call)
    return seed.clone()


for _device in ("CPU", "CUDA"):
    _library.impl("count_call", _count_call, _device)
torch.library.register_fake("droplab::count_call", lambda seed, _number, _call: torch.empty_like(seed), lib=_library)


def count_call(seed: Tensor, number: int, call: int) -> Tensor:
    """The seed itself, once a call of the layer has counted, which is when the graph runs.

    Raises:
        KeyingError: when the graph runs, if the layer had that call already in this block.
    """
    counted: Tensor = torch.ops.droplab.count_call(seed, number, call)
    return counted


def _in_trace(layer: int, before: int) -> int:
    """Which call this is, where so many came before the graph or are known of it; remembered with the trace."""
    trace = current_trace()
    if trace is None:
        return before + 1
    last: dict[int, int] = trace.setdefault("_droplab_layers", {})
    last[layer] = max(before, last.get(layer, 0)) + 1
    return last[layer]


def _known(layer: int, before: int) -> int:
    """How many calls came before this place of a trace, where so many are known of otherwise."""
    trace = current_trace() or {}
    return max(before, int(trace.get("_droplab_layers", {}).get(layer, 0)))


def _nth(number: int, call: int) -> int:
    """The id of a call; its complement where another layer has it, which is said when the graph runs."""
    layer: Any = _layers.get(number)
    try:
        return int(layer.nth(call))
    except KeyingError:
        return ~id_of(layer.name_of(call))


id_of = functools.cache(rng.layer_id)
call_in_trace: Callable[[int, int], int] = constant_number(_in_trace)
known_in_trace: Callable[[int, int], int] = constant_number(_known)
nth_in_trace: Callable[[int, int], int] = constant_number(_nth)
within_body: Callable[[], bool] = assume_constant(tracing_subgraph)
"""Whether what is traced is the body of an operator, within which nothing outside may be set."""
backward_now: Callable[[], bool] = assume_constant(in_backward)
"""Whether a trace is made during a backward pass."""


def _recomputed_too() -> bool:
    return may_be_recomputed() or in_backward()


within_recomputed: Callable[[], bool] = guarded(_recomputed_too)
"""Whether what is traced is called within a checkpointed function that is not compiled itself, or recomputed.

A graph of one is never run for the other kind of call. Within, a recomputation has to meet the very graph of the
forward pass, or what it saves is not what is looked for: no value that Dynamo guards may tell these two apart.
"""
