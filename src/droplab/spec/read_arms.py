"""Arms as a call of ``droplab.compare`` may say them: a rate, rates by site, or a table as in a spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from droplab.errors import UserError, clip, quote
from droplab.spec.arm import ArmSpec
from droplab.spec.changes import SHORT, gathered
from droplab.userobjects import resolve_value

_FIELDS = frozenset(("name", "p", "kind", "layer", "schedule", "recipe")) | SHORT


def read_arm(value: Any) -> Any:
    """What ``ArmSpec`` takes; arms without a name get one that says what they are.

    Raises:
        ValueError: neither a rate nor a table.

    >>> [read_arm(arm)["name"] for arm in (0, 0.25, {}, {"encoder.*": 0.3}, {"p": 0.5, "schedule": "linear"})]
    ['no dropout', 'dropout 0.25', 'as written', 'encoder.* 0.3', 'dropout 0.5, linear']
    >>> read_arm({"p": 0.1, "weight_decay": 0.01})["name"]
    'dropout 0.1, weight_decay 0.01'
    """
    if isinstance(value, ArmSpec):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Mapping | int | float):
        raise ValueError(  # noqa: TRY004  # pydantic collects these
            f"got {quote(value)}; an arm is a drop rate such as 0.25, rates by site such as {{'fc1:in': 0.5}}, or a "
            "table with p, kind, schedule and recipe"
        )
    if not isinstance(value, Mapping):
        value = {"p": value}
    elif not set(value) & _FIELDS:
        value = {"p": dict(value)}
    return value if "name" in value else {"name": clip(_name(value), 120), **value}


def own_arms(name: str) -> list[Any]:
    """The arms of a list of the user's own, ``pkg.module:ARMS``, or of what a function there returns.

    Raises:
        UserError: there is no such list, or something in it is no arm.
    """
    found = resolve_value(name, "set of arms", UserError)
    arms = found() if callable(found) else found
    if isinstance(arms, str | Mapping) or not isinstance(arms, Iterable):
        raise UserError(f"set of arms {name!r} is a {type(arms).__name__}; a list of arms is wanted: [0, 0.1]")
    try:
        read = [read_arm(arm) for arm in arms]
    except ValueError as problem:
        raise UserError(f"set of arms {name!r}: {problem}") from None
    if not read:
        raise UserError(f"set of arms {name!r} is empty; a list of arms is wanted: [0, 0.1]")
    return read


def _name(arm: Mapping[str, Any]) -> str:
    p = arm.get("p", 0.0)
    if isinstance(p, Mapping):
        rates = ", ".join(f"{site} {_short(rate)}" for site, rate in p.items()) or "as written"
    else:
        rates = f"dropout {_short(p)}" if p else "no dropout"
    named = [_named(arm[field]) for field in ("kind", "layer", "schedule") if arm.get(field)]
    changes = gathered(arm).get("recipe", {})
    named += [f"{key} {_named(value) if isinstance(value, Mapping) else value}" for key, value in changes.items()]
    return ", ".join([rates, *named])


def _short(rate: Any) -> str:
    return f"{rate:g}" if isinstance(rate, int | float) else str(rate)


def _named(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        return type(value).__name__
    rest = [f"{key} {_named(inner) if isinstance(inner, Mapping) else inner}" for key, inner in value.items()]
    return " ".join(rest).removeprefix("name ")
