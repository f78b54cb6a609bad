"""A line of the table of kinds: what a spec's check needs to know of one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from droplab.variants.options import Limit


class Listed(NamedTuple):
    """A kind, without its layer."""

    name: str
    """In specs."""
    home: str
    """The module that has it."""
    layer: str
    """The class, in ``droplab.nn``."""
    in_arms: bool = True
    """Whether an arm can name it."""
    adopts: tuple[str, ...] = ()
    """Classes of ``torch.nn`` that it takes the place of; none where it acts on activations."""
    options: Mapping[str, Any] = MappingProxyType({})
    """Those that an arm may give beside ``p``, with their defaults."""
    limits: tuple[Limit, ...] = ()
    """Laws of their values."""
