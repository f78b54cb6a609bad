"""The table of schedules, filled by the room's face; by which name a spec knows one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from droplab.given import name_of

_entered: dict[str, Any] = {}

SCHEDULES: Mapping[str, Any] = MappingProxyType(_entered)
"""Classes by the name that a spec gives them."""


def enter(*kinds: Any) -> None:
    """Put schedules into the table, in this order; those that are made of others find them there."""
    _entered.update({kind.name: kind for kind in kinds})


def spec_name(kind: Any) -> str:
    """The name of a schedule of the table, or ``pkg.module:Class`` of one of the user's own.

    >>> from droplab.schedules import Linear
    >>> spec_name(Linear), spec_name(type("Mine", (Linear,), {"__module__": "my_pkg.sched"})).split("@")[0]
    ('linear', 'my_pkg.sched:Mine')
    """
    name: str = kind.name
    return name if _entered.get(name) is kind else name_of(kind)
