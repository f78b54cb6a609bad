"""Dropout before or after a module that has none there: a hook that holds the layer.

The layer is kept by the hook and by nothing else, so whatever carries a module's hooks along (a deep copy, a pickle,
a layer that takes another's place) carries its doorways along, and each copy calls a layer of its own. A layer at a
doorway is no child of its module: no name and no ``state_dict`` key of a model changes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from torch import Tensor, nn
from torch.fx import Proxy
from torch.nn.utils.rnn import PackedSequence
from torch.utils.hooks import RemovableHandle

from droplab.errors import SiteError
from droplab.layers.tracing import path_of
from droplab.masks.internals import forget_graphs

Door = Literal["in", "out"]

_FIRST = (nn.RNNBase, nn.MultiheadAttention)
"""Modules whose first output is *the* output; the others are states and weights."""


class Doorway:
    """A hook of a module that hands one tensor through a layer.

    Attributes:
        layer: what drops; another one may be put in its place.
        door: ``in`` for the module's first argument, ``out`` for what it gives.
        number: the hook's number in the module's dictionaries.
    """

    def __init__(self, layer: nn.Module, door: Door) -> None:
        self.layer, self.door, self.number = layer, door, -1

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """A number that came from another process is not given to a hook of this one."""
        self.__dict__.update(state)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.number + 1)

    def __call__(self, owner: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], *output: Any) -> Any:
        """What torch calls, before the owner with its arguments, or after it with its output too."""
        if self.layer.training != owner.training:
            self.layer.train(owner.training)
        if output:
            return self._changed(owner, output[0])
        if args:
            return (self._dropped(owner, args[0]), *args[1:]), kwargs
        name = next(iter(inspect.signature(owner.forward).parameters), "")
        if name not in kwargs:
            raise SiteError(
                f"the doorway 'in' of a {type(owner).__name__} has nothing to act on: it was called without its first "
                f"argument ({', '.join(kwargs) or 'without any'}). Drop somewhere else"
            )
        return args, {**kwargs, name: self._dropped(owner, kwargs[name])}

    def _changed(self, owner: nn.Module, output: Any) -> Any:
        """The output with its one tensor dropped."""
        if not isinstance(output, (tuple, list)) or isinstance(output, PackedSequence):
            return self._dropped(owner, output)
        floating = [place for place, item in enumerate(output) if _is_floating(item)]
        if isinstance(owner, _FIRST):
            place = 0
        elif len(floating) == 1:
            place = floating[0]
        else:
            raise SiteError(
                f"the doorway 'out' of a {type(owner).__name__} got {len(output)} outputs, {len(floating)} of them "
                "floating point tensors; exactly one is wanted, or it is not clear what is to be dropped. Drop within "
                "the module, or at the doorway 'in' of the one that follows"
            )
        items = [self._dropped(owner, item) if number == place else item for number, item in enumerate(output)]
        make: Callable[[list[Any]], Any] = getattr(output, "_make", type(output))
        return make(items)

    def _dropped(self, owner: nn.Module, value: Any) -> Any:
        if isinstance(value, Proxy):
            path_of(self.layer, value.tracer)
        elif not isinstance(value, Tensor):
            raise SiteError(
                f"the doorway {self.door!r} of a {type(owner).__name__} got a {type(value).__name__}; a tensor is "
                "wanted. Drop somewhere else"
            )
        return self.layer(value)


def _is_floating(value: Any) -> bool:
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())


def open_doorway(module: nn.Module, door: Door, layer: nn.Module) -> Doorway:
    """Put a layer at a doorway that is not open yet.

    >>> import torch, droplab
    >>> linear = nn.Linear(2, 2)
    >>> doorway = open_doorway(linear, "out", droplab.nn.Dropout(1.0))
    >>> linear(torch.ones(2)).tolist(), list(doorways(linear))
    ([0.0, 0.0], ['out'])
    >>> close_doorway(linear, doorway); doorways(linear)
    {}
    """
    doorway = Doorway(layer, door)
    hook: Any = doorway
    if door == "in":
        handle = module.register_forward_pre_hook(hook, with_kwargs=True)
    else:
        handle = module.register_forward_hook(hook, with_kwargs=True)
    doorway.number = handle.id
    doorways_moved()
    return doorway


def close_doorway(module: Any, doorway: Doorway) -> None:
    """Take a doorway's hook away; nothing where it is gone already."""
    before = module._forward_pre_hooks, module._forward_pre_hooks_with_kwargs
    after = module._forward_hooks, module._forward_hooks_with_kwargs
    for hooks, with_kwargs in (before, after):
        if hooks.get(doorway.number) is doorway:
            del hooks[doorway.number]
            with_kwargs.pop(doorway.number, None)
    doorways_moved()


def put_back(module: Any, door: Door, doorway: Doorway | None, layer: nn.Module | None, order: Sequence[int]) -> None:
    """The doorway that was at a door, with its layer then and its place among hooks; ``None``: there was none.

    ``order`` are the numbers of the hooks of that kind as they were, which ``hooks_at`` gave.

    >>> import droplab
    >>> linear, layer = nn.Linear(2, 2), droplab.nn.Dropout(0.5)
    >>> doorway, order = open_doorway(linear, "out", layer), hooks_at(linear, "out")
    >>> close_doorway(linear, doorway); put_back(linear, "out", doorway, layer, order)
    >>> doorways(linear)["out"] is doorway
    True
    """
    there = doorways(module).get(door)
    if there is not None and there is not doorway:
        close_doorway(module, there)
    if doorway is None or layer is None:
        return
    if there is not doorway:
        hook: Any = doorway
        hooks = module._forward_pre_hooks if door == "in" else module._forward_hooks
        named = module._forward_pre_hooks_with_kwargs if door == "in" else module._forward_hooks_with_kwargs
        hooks[doorway.number], named[doorway.number] = hook, True
        after = list(order)[list(order).index(doorway.number) + 1 :]
        for number in [*(number for number in after if number in hooks), *(n for n in hooks if n not in order)]:
            hooks.move_to_end(number)
        doorways_moved()
    set_layer(doorway, layer)


def hooks_at(module: nn.Module, door: Door) -> tuple[int, ...]:
    """The numbers of a module's hooks before or after its forward, in order."""
    return tuple(module._forward_pre_hooks if door == "in" else module._forward_hooks)


def doorways(module: nn.Module) -> dict[str, Doorway]:
    """The open doorways of a module, ``in`` first."""
    hooks = (*module._forward_pre_hooks.values(), *module._forward_hooks.values())
    return {hook.door: hook for hook in hooks if isinstance(hook, Doorway)}


_changes = [0]


def doorways_moved() -> None:
    """A hook or a function came or went, which no compiled graph looks at: Dynamo would go on as before."""
    _changes[0] += 1
    forget_graphs()


def doorway_changes() -> int:
    """How often a doorway of any module was opened, closed or given another layer."""
    return _changes[0]


def set_layer(doorway: Doorway, layer: nn.Module) -> None:
    """Give a doorway another layer."""
    doorway.layer = layer
    _changes[0] += 1
