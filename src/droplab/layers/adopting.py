"""Taking the place of a layer with weights: same parameters, same ``state_dict`` keys, same hooks."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from torch import nn
from torch.nn.utils import parametrize

from droplab.errors import UserError

T = TypeVar("T", bound=nn.Module)
HOOKS = ("_hooks", "_hooks_with_kwargs", "_hooks_always_called")
"""How the names of a module's collections of hooks end."""


def taken_over(new: type[T], module: nn.Module, kind: type[nn.Module]) -> T:
    """A ``new`` with all that ``module`` has: parameters (the same objects), options, hooks and mode.

    Hooks are one collection for both, so that a handle from before removes its hook, and hooks that come after stay
    when ``module`` comes back. ``new`` is a subclass of ``kind``; what it adds is the caller's to set. No random number
    is drawn.

    Raises:
        UserError: ``module`` is not exactly a ``kind``; what a subclass does else would be lost.
    """
    parametrized = parametrize.is_parametrized(module)
    if (type(module).__bases__[0] if parametrized else type(module)) is not kind:
        raise UserError(
            f"{new.__name__}.adopt got a {type(module).__name__}; exactly a torch.nn.{kind.__name__} is wanted, "
            "since what another class does in its place would be lost"
        )
    made = new.__new__(new)
    for name, value in module.__dict__.items():
        own = isinstance(value, (dict, list, set)) and not name.endswith(HOOKS)
        made.__dict__[name] = copy.copy(value) if own else value
    made.__dict__["_compiled_call_impl"] = None
    if parametrized:
        _parametrize(made, module)
    return made


def _parametrize(made: Any, module: Any) -> None:
    """Computed weights stay computed: torch does that by a class of the module's own with a property for each."""
    names = ("__getstate__", "__deepcopy__", *module.parametrizations)
    made.__class__ = type(
        f"Parametrized{type(made).__name__}", (type(made),), {n: getattr(type(module), n) for n in names}
    )
