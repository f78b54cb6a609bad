"""How a schedule is read from a spec, by name or as the user's own, and an arm's ``schedule``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from droplab.errors import SpecError, UserError, quote, quote_text, suggest
from droplab.schedules.adaptive import Adaptive
from droplab.schedules.base import Schedule
from droplab.schedules.pure import Constant
from droplab.schedules.table import SCHEDULES
from droplab.userobjects import is_object, resolve

CONSTANT = Constant.name


def make(value: Any) -> Schedule | Adaptive:
    """The schedule that a name, or a table with ``name`` and parameters, describes; a schedule is itself.

    A name is one of the table, or ``pkg.module:Class`` of the user's own; the class itself may stand for it.

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
    if isinstance(value, str | type):
        value = {"name": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str | type):
        raise SpecError(
            [f"name: got {quote(value)}; a schedule's name, or a table with `name` and parameters, is wanted"]
        )
    name = value["name"]
    parameters = {str(key): item for key, item in value.items() if key != "name"}
    if isinstance(name, type) or is_object(name):
        return _own(name, parameters)
    if name not in SCHEDULES:
        known = ", ".join(SCHEDULES)
        raise SpecError(
            [f"name: no schedule {quote(name)}{suggest(name, SCHEDULES)} (there are {known})"],
            f"schedule {quote(name)}",
        )
    made: Schedule | Adaptive = SCHEDULES[name](**parameters)
    return made


def moves(schedule: Schedule | Adaptive) -> bool:
    """Whether it is another than plain constant ``p``.

    >>> moves(make("constant")), moves(make("linear"))
    (False, True)
    """
    return type(schedule) is not Constant


def _own(name: str | type, parameters: Mapping[str, Any]) -> Schedule | Adaptive:
    shown = quote(name) if isinstance(name, str) else quote(name.__name__)
    try:
        found = resolve(name, "schedule", UserError) if isinstance(name, str) else name
        return _checked(found, shown)(**parameters)
    except SpecError:  # of its parameters
        raise
    except UserError as problem:
        said = str(problem)
    except Exception as problem:  # noqa: BLE001  # whatever a class of the user's raises
        said = f"{shown} raised {type(problem).__name__}: {quote_text(problem)}"
    raise SpecError([f"name: {said}"], f"schedule {shown}")


def _checked(found: Any, shown: str) -> type[Schedule | Adaptive]:
    """The class, if it is a whole one.

    Raises:
        UserError: what is missing.
    """
    if not isinstance(found, type) or not issubclass(found, (Schedule, Adaptive)):
        what = f"the class {found.__name__}" if isinstance(found, type) else f"a {type(found).__name__}"
        wanted = "a class derived from droplab.schedules.Schedule or droplab.schedules.Adaptive is wanted"
        raise UserError(f"schedule {shown} is {what}; {wanted}")
    if issubclass(found, Schedule) and found.factor is Schedule.factor:
        raise UserError(f"schedule {shown} has no `factor`, which says what share of p acts")
    if issubclass(found, Adaptive) and (found.error is Adaptive.error or not hasattr(found, "reads")):
        raise UserError(f"schedule {shown} lacks `error` or `reads`: how much more dropout is wanted, by which metrics")
    return found


def for_sites(value: Any) -> Sequence[tuple[str | None, Schedule | Adaptive]]:
    """What an arm's ``schedule`` says: ``(site pattern, schedule)`` pairs, later ones winning.

    A name or a table with ``name`` is for all of the arm's sites, pattern ``None``. Any other table maps site
    patterns to such; a module that is called "name" is reached by the pattern ``[n]ame``.

    Raises:
        SpecError: all problems at once.

    >>> for_sites({"drop*": "linear"})
    [('drop*', Linear(start=0.0, end=1.0))]
    """
    if not isinstance(value, Mapping) or isinstance(value.get("name"), str | type):
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
        return schedule.describe() if moves(schedule) else CONSTANT

    pairs = for_sites(value)
    if pairs[0][0] is None:
        return plain(pairs[0][1])
    return {str(pattern): plain(schedule) for pattern, schedule in pairs}
