"""What droplab can do about a dropout that executes, today."""

from __future__ import annotations

from torch import nn

from droplab.auditing.executed import Call, Level
from droplab.layers.layer import DropLayer
from droplab.surgery.replace import TWINS


def level_of(call: Call) -> Level:
    """``keyed``: a layer of droplab's, or one whose place it takes with ``droplab.replace``; else ``seen``.

    Dropout that is called as a function, attention's, recurrent stacks' and subclasses of torch's layers are out of its
    reach: their masks come from torch's generator, whatever the key.

    >>> level_of(Call("F.dropout", "layer", "1", nn.Dropout(), "", ""))
    'keyed'
    >>> level_of(Call("F.dropout", "function", "", None, "", ""))
    'seen'
    """
    if not call.handled:
        return "unreached"
    if call.function == "droplab.functional":
        return "keyed"
    owner: nn.Module | None = call.owner
    reached = call.what == "layer" and (isinstance(owner, DropLayer) or type(owner) in TWINS)
    return "keyed" if reached else "seen"
