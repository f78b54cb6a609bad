"""The table of schedules, and how one is read from a spec; ``registry`` fills it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from droplab.errors import SpecError, quote, suggest
from droplab.schedules.adaptive import Adaptive
from droplab.schedules.base import Schedule

_entered: dict[str, type[Schedule | Adaptive]] = {}

SCHEDULES: Mapping[str, type[Schedule | Adaptive]] = MappingProxyType(_entered)
"""By the name that a spec gives them."""


def enter(*kinds: type[Schedule | Adaptive]) -> None:
    """Put schedules into the table, in this order. Those made of others find them there, so it stands below both."""
    _entered.update({kind.name: kind for kind in kinds})


def make(value: Any) -> Schedule | Adaptive:
    """The schedule that a name, or a table with ``name`` and parameters, describes; a schedule is itself.

    Raises:
        SpecError: an unknown name, or parameters that do not hold; all problems at once.

    >>> make("cosine")(step=5, steps=10, p=0.5)
    0.25
    >>> make({"name": "liner"})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    droplab.errors.SpecError: schedule 'liner' has 1 problem:
      - name: no schedule 'liner'; did you mean 'linear'? (there are constant, linear, cosine, ...
    """
    if isinstance(value, (Schedule, Adaptive)):
        return value
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise SpecError(
            [f"name: got {quote(value)}; a schedule's name, or a table with `name` and parameters, is wanted"]
        )
    name = value["name"]
    if name not in SCHEDULES:
        known = ", ".join(SCHEDULES)
        raise SpecError(
            [f"name: no schedule {quote(name)}{suggest(name, SCHEDULES)} (there are {known})"],
            f"schedule {quote(name)}",
        )
    return SCHEDULES[name](**{str(key): item for key, item in value.items() if key != "name"})
