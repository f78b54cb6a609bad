"""Tasks by name. A new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from droplab.errors import UserError, quote, suggest
from droplab.given import name_of
from droplab.tasks.task import Task
from droplab.userobjects import call, is_object, resolve

TASKS: Mapping[str, str] = {
    "classification": "droplab.tasks.classification:Classification",
    "multilabel": "droplab.tasks.multilabel:Multilabel",
    "regression": "droplab.tasks.regression:Regression",
    "segmentation": "droplab.tasks.segmentation:Segmentation",
    "next-token": "droplab.tasks.next_token:NextToken",
}
"""Where each is; loaded when it is asked for."""
_METHODS = (
    "check",
    "width",
    "check_outputs",
    "loss",
    "rows",
    "totals",
    "trained",
    "figures",
    "guess",
    "strata",
    "shown",
)


def make_task(asked: Any = "classification") -> Task:
    """The task that a spec names.

    Args:
        asked: a name of ``TASKS``, ``pkg.module:MyTask``, a class, or a table with ``name`` and its options; a task
            that was made already passes through.

    Raises:
        UserError: an unknown name or option, or something that is no task.

    >>> [measure.name for measure in make_task({"name": "regression", "loss": "huber", "delta": 2.0}).measures]
    ['loss', 'r2']
    >>> make_task("regresion")
    Traceback (most recent call last):
    droplab.errors.UserError: unknown task 'regresion'; there are classification, multilabel, regression, \
segmentation, next-token, and pkg.module:MyTask of your own; did you mean 'regression'?
    """
    options = dict(asked) if isinstance(asked, Mapping) else {}
    name: Any = options.pop("name", "classification") if isinstance(asked, Mapping) else asked
    if not isinstance(name, str | type) and not _lacks(name):
        return name  # type: ignore[no-any-return]  # a task of its own
    if callable(name) and not isinstance(name, str):
        name = name_of(name)
    place = TASKS.get(name, name) if isinstance(name, str) else ""
    if not isinstance(name, str) or not is_object(place):
        raise UserError(
            f"unknown task {quote(name)}; there are {', '.join(TASKS)}, and pkg.module:MyTask of your own"
            f"{suggest(str(name), TASKS)}"
        )
    found = call(resolve(place, "task", UserError), name, "task", UserError, {}, options)
    lacking = _lacks(found)
    if lacking:
        raise UserError(
            f"task {name!r} is a {type(found).__name__} without {lacking}; a task has measures, whole, "
            f"{', '.join(_METHODS)}"
        )
    task: Task = found
    return task


def _lacks(found: Any) -> str:
    """The first part of a task that it does not have."""
    missing = [name for name in _METHODS if not callable(getattr(found, name, None))]
    missing += [name for name in ("measures", "whole") if not hasattr(found, name)]
    return missing[0] if missing else ""
