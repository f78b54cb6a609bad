"""The name and number of every layer of a model that can be keyed, found once and again when the model changed."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator
from itertools import chain, compress
from operator import attrgetter, methodcaller
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
        parents = [module for module in model.modules() if module._modules]
        inner = [module._modules for module in parents]
        children = [child for modules in inner for child in modules.values()]
        self._parents = [weakref.ref(module) for module in parents]
        self._counts = list(map(len, inner))
        self._names = [name for modules in inner for name in modules.keys()]  # noqa: SIM118  # a scripted one is no dict
        self._children = [_nothing if child is None else weakref.ref(child) for child in children]
        self._leaves = [child is not None and not child._modules for child in children]
        self._alone = not parents
        self._layers = [weakref.ref(layer) for _, layer, _ in layers]
        self._called = [name for name, _, _ in layers]
        self._numbers = [number for _, _, number in layers]
        self._key_names = [layer.key_name for _, layer, _ in layers]
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

    def layers(self, model: nn.Module) -> list[Identity] | None:
        """The layers, if no module, doorway or ``key_name`` has come, gone or changed since.

        A hundred modules are compared by C loops over whole lists: a step of every training waits for this.
        """
        try:
            inner = [reference()._modules for reference in self._parents]  # type: ignore[union-attr]  # it may be gone
            layers: list[Any] = [reference() for reference in self._layers]
            children = [*chain.from_iterable(map(_VALUES, inner))]
            same = (
                self._doorways == doorway_changes()
                and list(map(_KEY_NAME, layers)) == self._key_names
                and list(map(len, inner)) == self._counts
                and [*chain.from_iterable(map(_KEYS, inner))] == self._names
                and children == [reference() for reference in self._children]
                and not any(map(_INNER, compress(children, self._leaves)))
                and not (self._alone and model._modules)
            )
        except AttributeError:  # of a None, in the place of a module that is gone
            return None
        return list(zip(self._called, layers, self._numbers, strict=True)) if same else None


def _nothing() -> None:
    """Refers to a child that is ``None``."""


_INNER, _KEY_NAME = attrgetter("_modules"), attrgetter("key_name")
_KEYS, _VALUES = methodcaller("keys"), methodcaller("values")
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
    layers = None if known is None else known.layers(model)
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
