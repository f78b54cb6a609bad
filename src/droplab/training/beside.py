"""What a model keeps outside its ``state_dict``, for checkpoints.

Buffers that are not persistent; and of modules that are neither torch's nor droplab's own: numbers and words that
are attributes (a step counter), and generators. Without them a model that uses one of them would go on after an
interruption otherwise than without it. Anything else (tensors in lists, objects) is not kept; ``run.py`` compares
an evaluation after loading with the ledger's and says so where something is missing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from droplab.global_numpy import with_arrays, without_arrays

_PLAIN = (bool, int, float, str, type(None))
_TORCHS = frozenset(vars(nn.Module()))
"""What every module has of torch's: its mode, its hooks."""


def _foreign(model: nn.Module) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and attributes of such modules; of those derived from droplab's, without what is droplab's own affair."""
    for name, module in model.named_modules():
        if type(module).__module__.startswith(("torch.", "droplab.")):
            continue
        ours = any(kind.__module__.startswith("droplab.") for kind in type(module).__mro__)
        attributes = vars(module).items()
        yield name, {key: value for key, value in attributes if key not in _TORCHS and not (ours and key[0] == "_")}


def state_beside(model: nn.Module) -> dict[str, Any]:
    """Values that ``torch.load(weights_only=True)`` accepts.

    >>> class Counting(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.steps = 3
    >>> Counting.__module__ = "mine"
    >>> state_beside(Counting())["values"]
    {'': {'steps': 3}}
    """
    kept = model.state_dict()
    values: dict[str, dict[str, Any]] = {}
    generators: dict[str, dict[str, Any]] = {}
    for name, attributes in _foreign(model):
        for attribute, value in attributes.items():
            if type(value) in _PLAIN:
                values.setdefault(name, {})[attribute] = value
            elif (found := _generator_state(value)) is not None:
                generators.setdefault(name, {})[attribute] = found
    buffers = {name: buffer.detach() for name, buffer in model.named_buffers() if name not in kept}
    return {"buffers": buffers, "values": values, "generators": generators}


@torch.no_grad()
def restore_beside(model: nn.Module, state: Mapping[str, Any]) -> None:
    """The inverse of ``state_beside``; what the model does not have is passed over."""
    modules = dict(model.named_modules())
    there = dict(model.named_buffers())
    for name, buffer in state.get("buffers", {}).items():
        found = there.get(name)
        if found is not None and found.shape == buffer.shape and found.dtype == buffer.dtype:
            found.copy_(buffer)
            continue
        owner, _, leaf = name.rpartition(".")
        if owner in modules and hasattr(modules[owner], leaf):
            like = found if found is not None else next(iter(there.values()), buffer)
            setattr(modules[owner], leaf, buffer.clone().to(like.device))
    for name, values in state.get("values", {}).items():
        for attribute, value in values.items():
            if name in modules and attribute in vars(modules[name]):
                modules[name].__dict__[attribute] = value
    for name, generators in state.get("generators", {}).items():
        for attribute, kept in generators.items():
            if name in modules:
                _restore_generator(vars(modules[name]).get(attribute), kept)


def _generator_state(value: Any) -> Any:
    if isinstance(value, torch.Generator):
        return value.get_state()
    if isinstance(value, np.random.Generator):
        return without_arrays(value.bit_generator.state)
    if isinstance(value, random.Random):
        version, numbers, gauss = value.getstate()
        return [version, list(numbers), gauss]
    return None


def _restore_generator(found: Any, kept: Any) -> None:
    if isinstance(found, torch.Generator):
        found.set_state(kept)
    elif isinstance(found, np.random.Generator):
        found.bit_generator.state = with_arrays(kept)
    elif isinstance(found, random.Random):
        version, numbers, gauss = kept
        found.setstate((version, tuple(numbers), gauss))
