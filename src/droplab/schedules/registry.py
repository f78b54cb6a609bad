"""Which schedules there are, and what an arm says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from droplab.errors import SpecError
from droplab.schedules.adaptive import Adaptive
from droplab.schedules.adaptive_gap import AdaptiveGap
from droplab.schedules.adaptive_site_gap import AdaptiveSiteGap
from droplab.schedules.adaptive_slope import AdaptiveSlope
from droplab.schedules.base import Schedule
from droplab.schedules.compose import Chain, Max, Min, Product
from droplab.schedules.pure import (
    Constant,
    Cosine,
    Curriculum,
    DepthRamp,
    Early,
    Late,
    Linear,
    Piecewise,
    Step,
    WarmUp,
)
from droplab.schedules.table import enter, make

enter(Constant, Linear, Cosine, Step, WarmUp, Early, Late, Curriculum, DepthRamp, Piecewise)
enter(Chain, Product, Min, Max)
enter(AdaptiveGap, AdaptiveSlope, AdaptiveSiteGap)

CONSTANT = Constant.name


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
