"""How a layer with weights takes the place of another."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from droplab.errors import UserError

Layer = TypeVar("Layer", bound=nn.Module)


def adopted(layer: type[Layer], kind: type[nn.Module], module: nn.Module) -> Layer:
    """A ``layer`` with the very parameters, mode, hooks and options of ``module``; its own options are still to be set.

    Raises:
        UserError: the module is not of ``kind`` exactly, so that what a subclass adds would be lost.
    """
    if type(module) is not kind:
        raise UserError(
            f"{layer.__name__}.adopt got a {type(module).__name__}; a torch.nn.{kind.__name__}, not a subclass of it, "
            "is wanted"
        )
    new = layer.__new__(layer)
    for name, value in module.__dict__.items():
        new.__dict__[name] = value.copy() if isinstance(value, (dict, list, set)) else value
    return new
