"""Which modules are dropout layers."""

from __future__ import annotations

from torch import nn

from droplab.layers.layer import DropLayer
from droplab.layers.unreached import TORCHS


def is_dropout(module: nn.Module) -> bool:
    """Whether a module is one of torch's dropout layers, one of droplab's, or a subclass of one.

    >>> is_dropout(nn.Dropout(0.5)), is_dropout(nn.Linear(1, 1))
    (True, False)
    """
    return isinstance(module, (*TORCHS, DropLayer))
