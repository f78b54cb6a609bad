"""One module in the place of another, everywhere in a model; and back, with what happened to it meanwhile."""

from __future__ import annotations

import inspect
import weakref
from itertools import pairwise
from typing import Any, NamedTuple

from torch import nn

from droplab.layers.adopting import HOOKS
from droplab.layers.by_call import hand_on
from droplab.layers.doorway import Door, Doorway, doorways, hooks_at, open_doorway, put_back, set_layer
from droplab.layers.layer import PASSING
from droplab.surgery.undoing import Undo, bodies, comes_back, remembered, stands_in

_TENSORS = ("_parameters", "_buffers")
_OWN = PASSING | {
    "_p", "_rate", "p", "_modules", "_non_persistent_buffers_set", "_compiled_call_impl", "_flat_weights",
    "_flat_weight_refs", "training", "_call_p", "_call_rates", *_TENSORS,
}  # fmt: skip
"""What every layer has of its own, or what is handed on in its own way."""
_UNSAVED = "_non_persistent_buffers_set"
_ABSENT = object()


class _Birth(NamedTuple):
    """What a layer had when it took a place, to tell what came to it later."""

    attributes: dict[str, Any]
    tensors: dict[str, dict[str, Any]]


_births: weakref.WeakKeyDictionary[nn.Module, _Birth] = weakref.WeakKeyDictionary()


def inherit(new: nn.Module, old: nn.Module) -> None:
    """Give a new layer what is attached to another, which is not the business of either's class.

    Hooks of all kinds (one collection for both, so that a handle from before removes its hook), parameters, buffers,
    attributes, ``key_name`` and the mode. Options of the old layer's class are left behind.

    >>> old, new = nn.Dropout(0.5).eval(), nn.Identity()
    >>> old.note = "mine"
    >>> inherit(new, old); new.note, new.training
    ('mine', False)
    """
    options = set(inspect.signature(type(old).__init__).parameters)
    if getattr(type(new), "batch_dim", 0) != 0:
        options.add("batch_dim")  # a class that has no dimension of samples, or another
    for name, value in old.__dict__.items():
        hook = name.endswith(HOOKS) or name == "_is_full_backward_hook"
        if hook or not (name in _OWN or name in options or name in new.__dict__):
            new.__dict__[name] = value
    for kind in _TENSORS:
        for name, value in old.__dict__[kind].items():
            new.__dict__[kind].setdefault(name, value)
    new.__dict__[_UNSAVED] |= old.__dict__[_UNSAVED]
    new.training = old.training
    hand_on(new, old)


def swap(model: nn.Module, old: nn.Module, new: nn.Module) -> Undo:
    """Put ``new`` at every place where the model has ``old``: one layer stays one."""
    places = [(parent, name) for parent in model.modules() for name, child in parent._modules.items() if child is old]
    for parent, name in places:
        parent._modules[name] = new
    _take_place(new, old)

    def restore() -> None:
        line = _come_back(old)
        for parent, name in places:
            for body in bodies(parent):
                if body is parent or any(body._modules.get(name) is one for one in line):
                    body._modules[name] = old

    first, name = places[0]
    return remembered(first, ("child", name), restore)


def at_doorway(module: nn.Module, door: Door, layer: nn.Module) -> Undo:
    """Put a layer at a doorway, in the place of the one that is there, if any: hooks are never stacked."""
    doorway: Doorway | None = doorways(module).get(door)
    if doorway is None:
        open_doorway(module, door, layer)
        return remembered(module, ("door", door), lambda: put_back(module, door, None, None, ()))
    there, before, order = doorway, doorway.layer, hooks_at(module, door)
    set_layer(there, layer)
    _take_place(layer, before)

    def restore() -> None:
        _come_back(before)
        put_back(module, door, there, before, order)

    return remembered(module, ("door", door), restore)


def _take_place(new: nn.Module, old: nn.Module) -> None:
    stands_in(new, old)
    _births[new] = _Birth(dict(new.__dict__), {kind: dict(new.__dict__[kind]) for kind in _TENSORS})


def _come_back(old: nn.Module) -> list[nn.Module]:
    """Take over what the layers that stood in a module's place have become; these layers, the module first."""
    line = bodies(old)
    for older, newer in reversed(list(pairwise(line))):
        _hand_back(older, newer, _births[newer])
        comes_back(older)
    return line


def _hand_back(old: nn.Module, new: nn.Module, birth: _Birth) -> None:
    """Mode, parameters, buffers and attributes that came to ``new``, or were changed there, go on in ``old``."""
    old.training = new.training
    for name, value in new.__dict__.items():
        if name in _OWN or birth.attributes.get(name, _ABSENT) is value:
            continue
        if name in old.__dict__ or name not in birth.attributes:
            old.__dict__[name] = value
    for kind, before in birth.tensors.items():
        mine, theirs = old.__dict__[kind], new.__dict__[kind]
        for name, value in theirs.items():
            if mine.get(name, _ABSENT) is not value and (name in mine or name not in before):
                mine.setdefault(name, None)
                setattr(old, name, value)  # as load_state_dict(assign=True) does; recurrent layers listen
        for name in [name for name in mine if name in before and name not in theirs]:
            delattr(old, name)
    old.__dict__[_UNSAVED] = {name for name in new.__dict__[_UNSAVED] if name in old.__dict__["_buffers"]}
