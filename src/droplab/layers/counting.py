"""One call of a keyed layer in a step, counted in graphs too: by their trace, and by an operator while they run."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from droplab.masks.internals import assume_constant, current_trace, in_backward, tracing_subgraph, under_checkpoint

_library: Any = torch.library.Library("droplab", "FRAGMENT")  # type: ignore[no-untyped-call]
_library.define("count_call(Tensor seed, int token) -> Tensor", tags=(torch.Tag.pt2_compliant_tag,))

_numbers = itertools.count(1)
_layers: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def token(layer: Any) -> int:
    """The number under which a graph knows a layer of this process."""
    found = layer.__dict__.get("_token", 0)
    if _layers.get(found) is not layer:  # a copy has a number of its own
        found = layer.__dict__["_token"] = next(_numbers)
        _layers[found] = layer
    return int(found)


def _count_call(seed: Tensor, number: int) -> Tensor:
    layer = _layers.get(number)
    if layer is not None:
        layer._count()
    return seed.clone()


for _device in ("CPU", "CUDA"):
    _library.impl("count_call", _count_call, _device)
torch.library.register_fake("droplab::count_call", lambda seed, _number: torch.empty_like(seed), lib=_library)


def count_call(seed: Tensor, number: int) -> Tensor:
    """The seed itself, once the call has counted, which is when the graph runs.

    Raises:
        KeyingError: when the graph runs, if it is the layer's second call in a step.
    """
    counted: Tensor = torch.ops.droplab.count_call(seed, number)
    return counted


def _traced_before(layer: int) -> bool:
    """Whether the graph that is being traced has called the layer already; remembered with the trace, not by code."""
    trace = current_trace()
    if trace is None:
        return False
    seen: set[int] = trace.setdefault("_droplab_layers", set())
    before = layer in seen
    seen.add(layer)
    return before


called_in_trace: Callable[[int], bool] = assume_constant(_traced_before)
counted_at_run_time: Callable[[], bool] = assume_constant(lambda: tracing_subgraph() or under_checkpoint())
"""Whether what is traced may be recomputed as it is, so that no value that Dynamo guards may tell its calls apart.

Within an operator's body nothing outside may be set; within a checkpointed function that is not compiled itself, the
recomputation has to meet the very graph of the forward pass, or what it saves is not what is looked for.
"""
backward_now: Callable[[], bool] = assume_constant(in_backward)
"""Whether a trace is made during a backward pass."""
