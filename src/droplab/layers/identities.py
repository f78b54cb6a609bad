"""The name and number of every layer of a model that can be keyed, found once and again when the model changed."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import torch
from torch import nn

from droplab import rng
from droplab.errors import KeyingError
from droplab.layers.counting import token
from droplab.layers.doorway import doorway_changes, doorways
from droplab.layers.layer import DropLayer
from droplab.layers.serving import functions

_WRAPPERS = re.compile(r"(?:^|(?<=\.))(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?:\.|$)")

Identity = tuple[str, DropLayer, int]
"""Name, layer and the 32 bits that its masks are named by."""


def stripped(name: str) -> str:
    """A module's name without the prefixes that wrappers (DDP, compile, FSDP, checkpointing) add.

    >>> stripped("module._orig_mod.blocks.3.drop")
    'blocks.3.drop'
    """
    return _WRAPPERS.sub("", name)


def keyed_layers(model: nn.Module) -> Iterator[tuple[str, DropLayer]]:
    """The name and the layer of everything in a model that can be keyed, doorways too."""
    for name, module in model.named_modules():
        if isinstance(module, DropLayer):
            yield stripped(name), module
        for door, doorway in doorways(module).items():
            if isinstance(doorway.layer, DropLayer):
                yield f"{stripped(name)}:{door}", doorway.layer
        for door, function in functions(module).items():
            yield f"{stripped(name)}:{door}", function


class _Found:
    """What a walk through a model found, and by what to see that it would find the same again.

    It refers to modules weakly: a model that nobody else has any more is gone.
    """

    def __init__(self, model: nn.Module, layers: list[Identity]) -> None:
        modules = sorted(model.modules(), key=lambda module: not module._modules)  # those with children first
        places = {id(module): place for place, module in enumerate(modules)}
        self._modules = [weakref.ref(module) for module in modules]
        parents = [module for module in modules if module._modules]
        self._parents = len(parents)
        self._names = [[*parent._modules.keys()] for parent in parents]  # scripted ones are no dicts
        self._children = [
            [-1 if child is None else places[id(child)] for child in parent._modules.values()] for parent in parents
        ]
        self._layers = [(name, weakref.ref(layer), number, layer.key_name) for name, layer, number in layers]
        self._doorways = doorway_changes()
        first = ((weakref.ref(module), name) for module in model.modules() for name, _ in module._parameters.items())
        self._parameter = next(first, None)

    def device(self) -> torch.device | None:
        """Where the first parameter is, if it is still there."""
        module = None if self._parameter is None else self._parameter[0]()
        if module is None or self._parameter is None:
            return None
        name, parameters = self._parameter[1], module._parameters
        value = parameters[name] if name in parameters else None  # noqa: SIM401  # a scripted module's table has no get
        return None if value is None else value.device

    def layers(self) -> list[Identity] | None:
        """The layers, if no module, doorway or ``key_name`` has come, gone or changed since."""
        modules: list[Any] = [reference() for reference in self._modules]
        if self._doorways != doorway_changes() or None in modules or any(map(_CHILDREN, modules[self._parents :])):
            return None
        modules.append(None)  # a child that is None has the place -1
        for module, names, places in zip(modules, self._names, self._children, strict=False):
            children = module._modules
            if [*children.keys()] != names or [*children.values()] != [modules[place] for place in places]:
                return None
        found: list[Identity] = []
        for name, reference, number, key_name in self._layers:
            layer = reference()
            if layer is None or layer.key_name != key_name:
                return None
            found.append((name, layer, number))
        return found


_CHILDREN = attrgetter("_modules")
_known: weakref.WeakKeyDictionary[nn.Module, _Found] = weakref.WeakKeyDictionary()


def identities(model: nn.Module) -> list[Identity]:
    """Every layer of a model with its name and id.

    Raises:
        KeyingError: two layers have one id.

    >>> import droplab
    >>> [(name, f"{number:08x}") for name, _, number in identities(nn.Sequential(droplab.nn.Dropout(0.5)))]
    [('0', '5feceb66')]
    """
    known = _known.get(model)
    layers = None if known is None else known.layers()
    if layers is None:
        layers = _walked(model)
        _known[model] = _Found(model, layers)
    return layers


def is_known(model: nn.Module) -> bool:
    """Whether the layers of a model were looked up before."""
    return model in _known


def _walked(model: nn.Module) -> list[Identity]:
    layers: list[Identity] = []
    names: dict[int, str] = {}
    first = next(model.parameters(), None)
    for name, layer in keyed_layers(model):
        if first is not None:
            layer.settle(first.device)
        called = layer.key_name or name
        number = rng.layer_id(called)
        if number in names:
            raise KeyingError(
                f"the layers {names[number]!r} and {called!r} have the same id ({number:08x}), so their masks would be "
                "equal. Give one of them a name of its own: layer.key_name = '...'"
            )
        names[number] = called
        token(layer)
        layers.append((name, layer, number))
    return layers


def device_of(model: nn.Module) -> torch.device:
    """Where a model's first parameter is; the CPU where it has none."""
    known = _known.get(model)
    device = None if known is None else known.device()
    if device is not None:
        return device
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device
