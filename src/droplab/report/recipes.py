"""What arms change of the recipe, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from droplab.records import ExperimentRecord
from droplab.report.locale import Speaker


def recipe_texts(record: ExperimentRecord, say: Speaker) -> Iterator[str]:
    """One sentence for each arm that is trained otherwise than the others, but for its dropout."""
    recipe, data = record.spec.get("recipe", {}), record.spec.get("data", {})
    before = {"label_smoothing": 0.0, "drop_last": False, "penalty_warm_up": 0.0, "train_size": data.get("train_size")}
    before |= recipe
    for arm in record.spec.get("arms", ()):
        changes = arm.get("recipe", {})
        if not changes or arm["name"] not in record.arms:
            continue
        if "loop" in record.spec:
            said = [say("recipe.setting", what=key, value=_said(value, say)) for key, value in changes.items()]
            yield say("recipe.settings", arm=arm["name"], changes=say("comma").join(said))
            continue
        said = [
            say("recipe.change", what=key, value=_value(key, value, say), before=_value(key, before.get(key), say))
            for key, value in changes.items()
        ]
        yield say("recipe.changes", arm=arm["name"], changes=say("comma").join(said))


def _value(key: str, value: Any, say: Speaker) -> str:
    return say("recipe.all") if key == "train_size" and value is None else _said(value, say)


def _said(value: Any, say: Speaker) -> str:
    """Tables as ``name option value``.

    >>> _said({"name": "adam", "betas": [0.9, 0.99]}, Speaker("en")), _said(None, Speaker("en"))
    ('adam betas [0.9, 0.99]', 'none')
    """
    if value is None:
        return say("recipe.none")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return " ".join(f"{key} {_said(item, say)}".removeprefix("name ") for key, item in value.items())
    return str(value)
