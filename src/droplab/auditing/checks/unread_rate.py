"""DL004: a rate in a config that nothing reads."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from torch import nn

from droplab.auditing.executed import Finding, Subject
from droplab.layers.unreached import drops_by_number
from droplab.surgery.holders import is_dropout

_DROPS = re.compile(r"drop|_pdrop$", re.IGNORECASE)
_PATHS = re.compile(r"path|layer|stochastic|token|patch|head|classif|summary|first|mask|final|feat", re.IGNORECASE)
"""Rates of which not every site has the same, or which belong to a part that this model may not have."""


def check(subject: Subject) -> Iterator[Finding]:
    """Rates of ``model.config`` whose name no file of the model's classes has, or that nothing in the model has.

    The second is what becomes of a config that is changed when the model is made already. It is said only where a class
    of the model reads the name, and where the rate is one for all its sites.
    """
    model: Any = subject.model
    config = getattr(model, "config", None)
    if config is None:
        return
    rates = _rates(config)
    there = {round(p, 6) for p in _present(subject)}
    kinds: set[Any] = {type(module) for module in subject.model.modules()}
    for name, p in rates.items():
        unread = not any(name in _file(kind) for kind in kinds)
        late = not _PATHS.search(name) and round(p, 6) not in there and _reads(subject.model, name)
        if unread or late:
            yield Finding("DL004", f"config.{name}", values={"name": name, "p": f"{p:g}"})


def _rates(config: Any) -> dict[str, float]:
    values = config if isinstance(config, dict) else getattr(config, "__dict__", {})
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(name, str)
        and _DROPS.search(name)
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
        and 0 < value <= 1
    }


def _present(subject: Subject) -> Iterator[float]:
    """Every rate that the model executes or holds."""
    layer: Any
    for one in subject.executed:
        yield one.p or 0.0
    for module in subject.model.modules():
        layer = module
        if is_dropout(module):
            yield float(layer.p)
        elif drops_by_number(module):
            yield float(layer.dropout)
        yield from (value for name, value in vars(module).items() if _DROPS.search(name) and isinstance(value, float))


@cache
def _file(kind: type) -> str:
    """The source around a class, and around those that it comes from."""
    found = []
    for base in kind.__mro__:
        if base.__module__.startswith(("torch.", "builtins")):
            continue
        try:
            found.append(inspect.getsource(inspect.getmodule(base) or base))
        except (OSError, TypeError):
            continue
    return "".join(found)


def _reads(model: nn.Module, name: str) -> bool:
    for kind in {type(module) for module in model.modules()}:
        if kind.__module__.startswith("torch."):
            continue
        code = getattr(kind.__init__, "__code__", None)
        if code is not None and name in code.co_names:
            return True
    return False
