"""What an arm may change of the recipe, so that dropout is compared with what else one would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from droplab.errors import SpecError, quote, suggest
from droplab.given import name_of
from droplab.spec.values import json_ready

SIZE = "train_size"
"""The one change that is of the data and not of the recipe."""
VARYING = (
    "weight_decay",
    "label_smoothing",
    "augmentation",
    "optimizer",
    "lr",
    "lr_schedule",
    "momentum",
    "max_norm",
    "batch_size",
    "drop_last",
    "penalty_warm_up",
    SIZE,
)
"""Keys that an arm may change."""
FIXED: Mapping[str, str] = {
    "epochs": "all arms train equally long, and early stopping chooses an epoch for each of them already (endpoints 2)",
    "precision": "it is chosen for the machine, and arms of other precisions would differ in their arithmetic",
    "fit_size": "training losses would be measured on other samples",
    "watch_every": "it measures, and changes no training",
}
"""Keys of the recipe that are one for all arms, and why."""
NOTHING: Mapping[str, str] = {"max_norm": "none", SIZE: "all"}
"""What stands for ``None`` where there is none, as in TOML: no bound, all samples."""
SHORT = frozenset((*VARYING, *FIXED))
"""Keys that may stand in an arm's table itself, beside ``p``, and not in its ``recipe``."""


def gathered(arm: Mapping[str, Any]) -> Mapping[str, Any]:
    """An arm's table with all changes in its ``recipe``.

    Raises:
        ValueError: a key in both places.

    >>> gathered({"name": "decay", "weight_decay": 0.01})
    {'name': 'decay', 'recipe': {'weight_decay': 0.01}}
    """
    short = {key: value for key, value in arm.items() if key in SHORT}
    table = arm.get("recipe", {})
    if not short or not isinstance(table, Mapping):
        return arm
    twice = [key for key in short if key in table]
    if twice:
        raise ValueError(f"{', '.join(twice)}: given twice, beside p and in `recipe`; give one")
    rest = {key: value for key, value in arm.items() if key not in SHORT}
    return {**rest, "recipe": {**table, **short}}


def kept(changes: Any) -> Any:
    """As a ledger keeps them; an optimiser may be given as the class itself.

    Raises:
        ValueError: no table, or values that a ledger does not keep.
    """
    if not isinstance(changes, Mapping):
        raise ValueError(f"got {quote(changes)}; a table of changes is wanted: recipe = {{ weight_decay = 0.01 }}")  # noqa: TRY004  # pydantic collects these
    named = {key: name_of(value) if key == "optimizer" and callable(value) else value for key, value in changes.items()}
    return json_ready(named)


def settled(changes: Mapping[str, Any], recipe: BaseModel, data: BaseModel) -> dict[str, Any]:
    """Changes of the house's recipe, checked and in one spelling: those that say what the recipe says are left out.

    Args:
        changes: by key.
        recipe: what all arms have.
        data: likewise, for ``train_size``.

    Raises:
        SpecError: unknown keys, and those that are the same for all arms.
        pydantic.ValidationError: values that the recipe does not take.
    """
    problems = [
        f"recipe.{key}: one for all arms: {FIXED[key]}" if key in FIXED else f"recipe.{key}: {_unknown(key)}"
        for key in changes
        if key not in VARYING
    ]
    if problems:
        raise SpecError(problems, "the arm")
    changes = {key: None if key in NOTHING and value == NOTHING[key] else value for key, value in changes.items()}
    found = dict[str, Any]()
    for table, keys in ((recipe, set(changes) - {SIZE}), (data, set(changes) & {SIZE})):
        before = table.model_dump(mode="json")
        after = type(table).model_validate({**before, **{key: changes[key] for key in keys}}).model_dump(mode="json")
        found |= {key: after[key] for key in sorted(keys) if after[key] != before[key]}
    return found


def _unknown(key: str) -> str:
    return f"unknown key{suggest(key, VARYING) or '.'} An arm may change {', '.join(VARYING)}"
