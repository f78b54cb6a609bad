"""What droplab can do about a dropout that executes, today."""

from __future__ import annotations

from droplab.auditing.executed import Call, Level
from droplab.layers.layer import DropLayer
from droplab.surgery.holders import is_dropout
from droplab.surgery.seeded import can_be_seeded
from droplab.surgery.twins import has_twin


def level_of(call: Call) -> Level:
    """``keyed``: ``droplab.replace(model, *inputs)`` and ``droplab.keyed`` make its masks a function of the key.

    That holds for layers of droplab's, for those whose place they take, and for functions that a module of the model
    calls and ``droplab.replace`` serves. Masks by hand, subclasses of torch's layers and layers that are kept in a list
    are ``seeded``: it sets torch's generators from the key around the module, and puts them back. What draws from a
    generator of its own is ``seen``.

    >>> from torch import nn
    >>> level_of(Call("F.dropout", "layer", "1", nn.Dropout(), "", "", registered=True))
    'keyed'
    >>> level_of(Call("F.dropout", "layer", "1", nn.Dropout(), "", ""))
    'seeded'
    """
    if not call.handled:
        return "unreached"
    if call.function == "droplab.functional":
        return "keyed"
    owner = call.owner
    by_draws: Level = "seen" if call.own_generator or (owner is not None and not can_be_seeded(owner)) else "seeded"
    if not call.registered or owner is None:
        return by_draws
    if isinstance(owner, DropLayer):
        return "keyed"
    if has_twin(owner):
        return "keyed" if call.module else by_draws  # what is the whole model cannot be replaced within it
    return "keyed" if call.served and not is_dropout(owner) else by_draws
