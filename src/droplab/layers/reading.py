"""Layers that their owner asks for their rate and never calls: another kind of dropout there would drop nothing."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from torch import nn


def only_read(model: nn.Module) -> dict[str, str]:
    """Layers of a model whose ``p`` a method of their owner reads, while no method uses them otherwise.

    Such an owner hands the number to a function of its own (``scaled_dot_product_attention(..., self.dropout.p)``).
    What is read is the compiled code of the owner's class; of classes of torch nothing is asked.

    Returns:
        By the layer's name, the owner's class.

    >>> class Attention(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.dropout = nn.Dropout(0.1)
    ...     def forward(self, x):
    ...         return nn.functional.scaled_dot_product_attention(x, x, x, dropout_p=self.dropout.p)
    >>> only_read(nn.Sequential(Attention()))
    {'0.dropout': 'Attention'}
    """
    found: dict[str, str] = {}
    for name, owner in model.named_modules():
        kind = type(owner)
        if kind.__module__.startswith("torch.") or not owner._modules:
            continue
        read, used = set[str](), set[str]()
        for code in _methods(kind):
            for attribute, rate in _attributes(code):
                (read if rate else used).add(attribute)
        for child in owner._modules:
            if child in read - used:
                found[f"{name}.{child}".lstrip(".")] = kind.__name__
    return found


def names_read(model: nn.Module) -> set[str]:
    """Every name and text in the methods of a model's classes but ``__init__``: what none of them reads is not there.

    >>> class Net(nn.Module):
    ...     def __init__(self, dropout):
    ...         super().__init__()
    ...         self.dropout, self.drop = dropout, nn.Dropout(dropout)
    ...     def forward(self, x):
    ...         return self.drop(x)
    >>> sorted(names_read(Net(0.1)))
    ['drop']
    """
    kinds = {type(module) for module in model.modules()}
    own = [kind for kind in kinds if not kind.__module__.startswith("droplab.variants.")]  # layers read their own
    codes = [code for kind in own for code in _methods(kind)]
    read = [(*code.co_names, *code.co_consts) for code in codes if code.co_name != "__init__"]
    return {name for names in read for name in names if isinstance(name, str)}


def _methods(kind: type[Any]) -> Iterator[CodeType]:
    for base in kind.__mro__:
        if base.__module__.startswith(("torch.", "builtins")):
            continue
        for thing in vars(base).values():
            function = getattr(thing, "fget", None) or getattr(thing, "__func__", thing)
            function = getattr(function, "__wrapped__", function)
            if isinstance(function, FunctionType):
                yield from _nested(function.__code__)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _attributes(code: CodeType) -> Iterator[tuple[str, bool]]:
    """Each attribute that the code loads, and whether it loads ``p`` of it at once."""
    instructions = [
        step for step in dis.get_instructions(code) if step.opname not in {"CACHE", "PRECALL", "EXTENDED_ARG"}
    ]
    for number, step in enumerate(instructions):
        if step.opname in {"LOAD_ATTR", "LOAD_METHOD"}:
            after = instructions[number + 1] if number + 1 < len(instructions) else step
            yield str(step.argval), after.opname == "LOAD_ATTR" and after.argval == "p"
