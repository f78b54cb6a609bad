"""A kind of the user's own: a class that a spec names by ``pkg.module:Class``, as a row of the catalog."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from droplab.errors import UserError, quote_text
from droplab.given import name_of
from droplab.layers.adopting import Adopting
from droplab.layers.layer import DropLayer
from droplab.userobjects import resolve
from droplab.variants.kind import Kind
from droplab.variants.table import TABLE

_TRIED = 0.5
"""The rate of a layer that is made to see whether its class takes the options."""


def own_kind(name: str) -> Kind:
    """The kind that a name stands for; one of the catalog's own where the class is droplab's.

    Its options are the arguments of the class, or of its ``equip`` where it takes the place of layers with weights.

    Raises:
        UserError: there is no such class, or it is none that a site can be given.

    >>> own_kind("droplab.nn:DropPath").name
    'drop_path'
    >>> own_kind("torch.nn:Dropout")
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: kind 'torch.nn:Dropout' is the class Dropout; one derived from droplab.nn.DropLayer is wanted
    """  # noqa: E501  # a message is one line
    found = resolve(name, "kind", UserError)
    if not isinstance(found, type) or not issubclass(found, DropLayer):
        what = f"the class {found.__name__}" if isinstance(found, type) else f"a {type(found).__name__}"
        wanted = "one" if isinstance(found, type) else "a class"
        raise UserError(f"kind {name!r} is {what}; {wanted} derived from droplab.nn.DropLayer is wanted")
    row = next((row for row in TABLE.values() if (row.home, row.layer) == (found.__module__, found.__name__)), None)
    kind = Kind(row.name if row else name_of(found), found, paper="", equation="", shares="")
    if issubclass(found, Adopting) and not kind.adopts:
        raise UserError(f"kind {name!r}: {found.__name__} takes the place of other layers and names no `twin`, theirs")
    where = "equip" if kind.adopts else "__init__"
    if row is None and "p" not in inspect.signature(getattr(found, where)).parameters:
        raise UserError(f"kind {name!r}: {found.__name__}.{where} takes no `p`, by which it is given its drop rate")
    return kind


def missing(kind: Kind) -> tuple[str, ...]:
    """Options without a default."""
    return tuple(name for name, default in kind.options.items() if default is inspect.Parameter.empty)


def refusal(kind: Kind, options: Mapping[str, Any]) -> str:
    """What the class says against its options; empty where it takes them, or cannot be asked without other layers."""
    if kind.adopts:
        return ""
    with torch.random.fork_rng(devices=[]):
        try:
            kind.layer(p=_TRIED, **options)
        except Exception as problem:  # noqa: BLE001  # whatever the user's class raises
            return f"{type(problem).__name__}: {quote_text(problem)}"
    return ""
