"""The order of site patterns, of which the last that matches wins: what a hash of sorted keys does not see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_PATTERN = frozenset("*?[@")


def orders(arm: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Keys of an arm's tables in their order, where it may matter: where one of them may match what another does.

    >>> orders({"name": "a", "p": {"fc*": 0.1, "fc1": 0.2}, "schedule": {"fc1": "linear", "fc2": "constant"}})
    {'p': ('fc*', 'fc1')}
    """
    tables = {key: tuple(value) for key, value in arm.items() if isinstance(value, Mapping)}
    return {key: names for key, names in tables.items() if len(names) > 1 and any(_PATTERN & set(n) for n in names)}


def reordered(before: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """Of arms that are equal but for the order of their tables: what differs, for the user."""
    there = {arm["name"]: orders(arm) for arm in before}
    found = []
    for arm in now:
        here = orders(arm)
        for key, names in there.get(arm["name"], here).items():
            if names != here.get(key, names) and set(names) == set(here[key]):
                found.append(
                    f"the order of {key} in the arm {arm['name']!r}: {', '.join(names)} there, {', '.join(here[key])} "
                    "here (the last pattern that matches a site wins)"
                )
    return found
