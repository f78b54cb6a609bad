"""The layer kinds that an arm can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from droplab.layers.layer import DropLayer
from droplab.layers.unreached import TORCHS
from droplab.variants.catalog import CATALOG

LAYERS: Mapping[str, Callable[[float], nn.Module]] = {
    name: row.layer for name, row in CATALOG.items() if row.in_arms and not row.adopts
}
"""Name in a spec to the class of each that acts on activations, called with the drop rate ``p``."""


def is_dropout(module: nn.Module) -> bool:
    """Whether a module is one of torch's dropout layers, one of droplab's, or a subclass of one.

    >>> is_dropout(nn.Dropout(0.5)), is_dropout(nn.Linear(1, 1))
    (True, False)
    """
    return isinstance(module, (*TORCHS, DropLayer))
