"""The task of a spec as it is kept: a name, or a table of a name and options; functions by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from droplab.errors import quote
from droplab.given import name_of

DEFAULT = "classification"
"""The task of a spec that names none, and of all ledgers from before there were others."""
OF_ANY_DATA: dict[str, Any] = {"name": DEFAULT, "figures": ["loss", "accuracy"]}
"""The same for data that are more than images or vectors in memory; a spec need not write it."""


def normal_form(value: Any) -> Any:
    """The task with functions and classes by their names; a name alone where there is no option.

    Raises:
        ValueError: no such task, or options that it does not take.

    >>> normal_form({"name": "regression"}), normal_form({"name": "regression", "loss": "mae"})
    ('regression', {'name': 'regression', 'loss': 'mae'})
    """
    if callable(value) and not isinstance(value, str):
        value = name_of(value)
    if not isinstance(value, str | Mapping):
        raise ValueError(f"got {quote(value)}; the name of a task is wanted, or a table with name and options")  # noqa: TRY004  # pydantic collects these
    if isinstance(value, Mapping):
        value = {"name": DEFAULT, **{key: _named(option) for key, option in value.items()}}
        value = value["name"] if len(value) == 1 else value
    if value != DEFAULT:
        from droplab.tasks.table import make_task

        make_task(value)
    return value


def _named(option: Any) -> Any:
    if isinstance(option, Mapping):
        return {key: _named(inner) for key, inner in option.items()}
    return name_of(option) if callable(option) and not isinstance(option, str) else option


def objects_of(value: Any) -> dict[str, str]:
    """What a task names, by what it stands for: the task itself, and functions of the user's own.

    >>> objects_of({"name": "regression", "loss": "my.losses:quantile"})
    {'task': 'regression', 'loss': 'my.losses:quantile'}
    """
    if isinstance(value, str):
        return {"task": value}
    metrics = value.get("metrics", {})
    found = {"task": value["name"], "loss": value.get("loss", "")}
    found.update({f"metric {name}": row["function"] for name, row in metrics.items()})
    return {what: name for what, name in found.items() if name}
