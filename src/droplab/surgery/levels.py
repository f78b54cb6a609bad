"""Raising the level of sites: keys where droplab computes the masks, else torch's generators set from the key."""

from __future__ import annotations

from collections.abc import Container

from torch import nn

from droplab.surgery.functional import serve
from droplab.surgery.holders import OwnRate
from droplab.surgery.seeded import can_be_seeded
from droplab.surgery.site import NOISE
from droplab.surgery.undoing import Undo
from droplab.surgery.view import view


def raised(model: nn.Module, names: Container[str]) -> list[Undo]:
    """See that sites which something drops at are keyed or seeded, as far as that goes; what takes it back.

    Numbers of attention and of recurrent stacks get keys. A subclass of torch's dropout layers draws from generators
    that are set from the key, unless it has one of its own.

    >>> model = nn.Sequential(nn.LSTM(4, 4, 2, dropout=0.1))
    >>> undo = raised(model, {"0.dropout"})
    >>> [site.level for site in view(model) if site.name == "0.dropout"]
    ['keyed']
    """
    undo = list[Undo]()
    for site in view(model):
        if site.level != "seen only" or site.name not in names:
            continue
        if isinstance(site.layer, OwnRate):
            door = "attention" if isinstance(site.module, nn.MultiheadAttention) else "recurrent"
            undo.append(serve(site.module, door, site.layer.p))
        elif site.layer is not None and can_be_seeded(site.layer):
            undo.append(serve(site.layer, NOISE, 0.0))
    return undo
