"""Dropout that a module calls as a function, under keys: its forward runs with a layer for each function in place."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from torch import Tensor, nn

from droplab.layers.layer import DropLayer

REPLICATE = "_replicate_for_data_parallel"
"""The method of modules that makes replicas."""


class Function(DropLayer):
    """What a module's calls of one function draw their masks from; no child of the module.

    Attributes:
        given: whether ``p`` holds; else each call has the rate that the model gives it.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.given = False

    def rate(self, asked: Any) -> Any:
        """The rate of a call that asks for one."""
        return self._current_rate() if self.given else asked

    @property
    def is_keyed(self) -> bool:
        """Whether calls have keys now."""
        return self._keying is not None

    def key(self, input: Tensor) -> Any:
        """The key of a call."""
        return self._key(input)


class Serving:
    """Base of what stands in the place of a module's ``forward``. Copies and pickles of it have one of their own.

    Attributes:
        module: whose forward it is.
        functions: by door (``dropout``, ``attention``, ``recurrent``, ``noise``).
        paused: the module's own forward runs, as if nothing stood in its place.
        by_name: functions are called by their names in ``torch.nn.functional``, as far as is known.
    """

    paused = False
    by_name = False

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.functions: dict[str, Function] = {}
        self.before: Any = module.__dict__.get("forward")

    @property
    def __signature__(self) -> inspect.Signature:
        """The forward's."""
        return inspect.signature(self.before or type(self.module).forward.__get__(self.module))

    def replica(self) -> nn.Module:
        """What ``torch.nn.DataParallel`` asks a module for, in the place of the method of that name.

        The replica's forward is its own, and its functions know that they are a replica's.
        """
        made: nn.Module = type(self.module)._replicate_for_data_parallel(self.module)  # type: ignore[no-untyped-call]  # noqa: SLF001
        mine = copy.copy(self)
        mine.module = made
        mine.functions = {door: function._replicate_for_data_parallel() for door, function in self.functions.items()}  # type: ignore[no-untyped-call]  # noqa: SLF001
        made.__dict__["forward"] = mine
        del made.__dict__[REPLICATE]
        return made

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The module's own."""
        if self.before is not None:
            return self.before(*args, **kwargs)
        return type(self.module).forward(self.module, *args, **kwargs)


def serving(module: nn.Module) -> Serving | None:
    """What stands in the place of a module's forward, if anything does."""
    found = module.__dict__.get("forward")
    return found if isinstance(found, Serving) else None


def keys_number(module: nn.Module) -> bool:
    """Whether what a module of torch's drops by a number of its own is under keys."""
    served = functions(module)
    return "attention" in served or "recurrent" in served


def functions(module: nn.Module) -> dict[str, Function]:
    """The functions of a module that are under keys, by door.

    >>> functions(nn.Linear(2, 2))
    {}
    """
    found = serving(module)
    return {} if found is None else found.functions
