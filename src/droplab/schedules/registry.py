"""The table of schedules, filled by the room's face; how one is read from a spec, and an arm's ``schedule``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from droplab.errors import SpecError, quote, suggest
from droplab.schedules.adaptive import Adaptive
from droplab.schedules.base import Schedule
from droplab.schedules.pure import Constant

_entered: dict[str, type[Schedule | Adaptive]] = {}

SCHEDULES: Mapping[str, type[Schedule | Adaptive]] = MappingProxyType(_entered)
"""By the name that a spec gives them."""
CONSTANT = Constant.name


def enter(*kinds: type[Schedule | Adaptive]) -> None:
    """Put schedules into the table, in this order; those that are made of others find them there."""
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


def for_sites(value: Any) -> Sequence[tuple[str | None, Schedule | Adaptive]]:
    """What an arm's ``schedule`` says: ``(site pattern, schedule)`` pairs, later ones winning.

    A name or a table with ``name`` is for all of the arm's sites, pattern ``None``. Any other table maps site
    patterns to such; a module that is called "name" is reached by the pattern ``[n]ame``.

    Raises:
        SpecError: all problems at once.

    >>> for_sites({"drop*": "linear"})
    [('drop*', Linear(start=0.0, end=1.0))]
    """
    if not isinstance(value, Mapping) or isinstance(value.get("name"), str):
        return [(None, make(value))]
    found: list[tuple[str | None, Schedule | Adaptive]] = []
    problems = [] if value else ["name: got an empty table; a name, or site patterns with their schedules, is wanted"]
    for pattern, inner in value.items():
        try:
            found.append((str(pattern), make(inner)))
        except SpecError as problem:
            problems += [f"{pattern}.{line}" for line in problem.problems]
    if problems:
        raise SpecError(problems, "the schedule")
    return found


def normal_form(value: Any) -> str | dict[str, Any]:
    """An arm's ``schedule`` as JSON-ready values, every default written out; plain constant ``p`` is ``"constant"``.

    Raises:
        SpecError: all problems at once.

    >>> normal_form("linear") == normal_form({"name": "linear", "end": 1})
    True
    """

    def plain(schedule: Schedule | Adaptive) -> str | dict[str, Any]:
        return CONSTANT if schedule.name == CONSTANT else schedule.describe()

    pairs = for_sites(value)
    if pairs[0][0] is None:
        return plain(pairs[0][1])
    return {str(pattern): plain(schedule) for pattern, schedule in pairs}
