"""Taking the place of a layer with weights: same parameters, same ``state_dict`` keys, same hooks."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn

from droplab.errors import UserError

T = TypeVar("T", bound=nn.Module)


def taken_over(new: type[T], module: nn.Module, kind: type[nn.Module]) -> T:
    """A ``new`` with all that ``module`` has: parameters (the same objects), options, hooks and mode.

    ``new`` is a subclass of ``kind``; what it adds is the caller's to set. No random number is drawn.

    Raises:
        UserError: ``module`` is not exactly a ``kind``; what a subclass does else would be lost.
    """
    if type(module) is not kind:
        raise UserError(
            f"{new.__name__}.adopt got a {type(module).__name__}; exactly a torch.nn.{kind.__name__} is wanted, "
            "since what another class does in its place would be lost"
        )
    made = new.__new__(new)
    made.__dict__.update({k: copy.copy(v) if isinstance(v, (dict, list)) else v for k, v in module.__dict__.items()})
    made.__dict__["_compiled_call_impl"] = None
    return made
