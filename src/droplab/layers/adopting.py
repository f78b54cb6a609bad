"""Taking the place of a layer with weights: same parameters, same ``state_dict`` keys, same hooks."""

from __future__ import annotations

import copy
import inspect
from typing import Any, ClassVar, Self, TypeVar

from torch import Tensor, nn
from torch.nn.utils import parametrize

from droplab.errors import UserError, suggest
from droplab.layers.layer import DropLayer

T = TypeVar("T", bound=nn.Module)
HOOKS = ("_hooks", "_hooks_with_kwargs", "_hooks_always_called")
"""How the names of a module's collections of hooks end."""


class Adopting(DropLayer):
    """Base of layers that can take the place of one of torch's, their twin, of which each is a subclass too.

    A subclass names its ``twin`` and says in ``equip`` what it has beside it; ``__init__`` calls that as well.
    """

    twin: ClassVar[type[nn.Module] | tuple[type[nn.Module], ...]]
    """Whose place it takes."""

    def equip(self, p: float | Tensor = 0.5) -> None:
        """Set what the layer has beside its twin. The arguments of a subclass's are the options of ``adopt``."""
        raise NotImplementedError

    @classmethod
    def adopt(cls, module: nn.Module, p: float | Tensor | None = None, **options: Any) -> Self:
        """A layer in the place of ``module``, with its very parameters, options, hooks and mode.

        Args:
            module: exactly a twin of the class.
            p: drop rate; the default of the class where absent.
            options: those of ``equip``, by name.

        Raises:
            UserError: another module, whose own doing would be lost; an option that the class does not have, or a
                value that it does not take.

        >>> from droplab.nn import DropConnectLinear
        >>> linear = nn.Linear(3, 2)
        >>> layer = DropConnectLinear.adopt(linear, 0.2, per_sample=True)
        >>> layer.p, layer.per_sample, layer.weight is linear.weight
        (0.2, True, True)
        >>> DropConnectLinear.adopt(linear, 0.2, per_smaple=True)
        Traceback (most recent call last):
        ...
        droplab.errors.UserError: DropConnectLinear.adopt got the option 'per_smaple'; did you mean 'per_sample'? \
(there are drop_bias, per_sample, inference, samples, activation)
        """
        twins = cls.twin if isinstance(cls.twin, tuple) else (cls.twin,)
        new = taken_over(cls, module, next((twin for twin in twins if isinstance(module, twin)), twins[0]))
        known = [name for name in inspect.signature(cls.equip).parameters if name not in {"self", "p"}]
        for name in options:
            if name not in known:
                there = f"there are {', '.join(known)}" if known else "there is none"
                raise UserError(f"{cls.__name__}.adopt got the option {name!r}{suggest(name, known)} ({there})")
        new.equip(**options) if p is None else new.equip(p, **options)
        return new

    def extra_repr(self) -> str:
        """Rate and options first, then what the twin shows."""
        shown: str = super(DropLayer, self).extra_repr()
        return ", ".join(filter(None, (super().extra_repr(), shown)))


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
