"""The spec of an experiment: data, model, recipe, seeds and arms; TOML and Python the same.

>>> spec = ExperimentSpec.model_validate({"data": {"name": "cifar10"}, "seeds": 5})
>>> spec.seeds, spec.arms[1].p
((0, 1, 2, 3, 4), 0.25)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from droplab.errors import quote
from droplab.given import name_of
from droplab.resampling import folds_of
from droplab.spec.arm import KIND_BEFORE, TUTORIAL_ARMS, ByName, HouseArm, check_names, default_arms
from droplab.spec.plan import KEYS, Planned
from droplab.spec.seeds import Seeds
from droplab.spec.tables import ComputeSpec, DataSpec, ModelSpec, RecipeSpec
from droplab.spec.task import DEFAULT, OF_ANY_DATA
from droplab.spec.task import normal_form as task_form


def _named_model(values: Mapping[str, Any]) -> str:
    model = values.get("model")
    name = model.get("name") if isinstance(model, Mapping) else getattr(model, "name", None)
    if callable(name):
        return name_of(name)
    return name if isinstance(name, str) else ""


class ExperimentSpec(Planned, ByName):
    """Arms × seeds on one model, data set and recipe."""

    name: str = Field(default="tutorial", min_length=1, max_length=120)
    """Shown in titles; part of the default folder's name."""
    task: Annotated[str | dict[str, Any], BeforeValidator(task_form)] = DEFAULT
    """``classification``, ``multilabel``, ``regression``, ``segmentation``, ``next-token``, ``pkg.module:MyTask``; or a
    table with such a ``name`` and options. In Python also the class, and functions in its options."""
    data: DataSpec = DataSpec()
    model: ModelSpec = ModelSpec()
    recipe: RecipeSpec = RecipeSpec()
    compute: ComputeSpec = ComputeSpec()
    seeds: Seeds = (0, 1, 2)
    """A number (5 means 0 to 4), a list, or ``until-decided``."""
    arms: tuple[HouseArm, ...] = TUTORIAL_ARMS
    """The first is the baseline unless ``baseline`` names another; where absent, those of ``default_arms``."""
    baseline: str = ""
    """Name of the arm that the others are compared with."""

    @model_validator(mode="before")
    @classmethod
    def _arms_suit_the_model(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "arms" not in values:
            return {**values, "arms": default_arms(_named_model(values))}
        return values

    @model_validator(mode="before")
    @classmethod
    def _tables_are_read_for_a_task(cls, values: Any) -> Any:
        """Plain classification reads images and vectors; of a table, the figures are the same two."""
        if not isinstance(values, Mapping) or values.get("task", DEFAULT) not in (DEFAULT, {"name": DEFAULT}):
            return values
        data = values.get("data")
        name = data.get("name") if isinstance(data, Mapping) else getattr(data, "name", None)
        is_table = isinstance(name, str | Path) and str(name).endswith(".csv")
        return {**values, "task": dict(OF_ANY_DATA)} if is_table else values

    @model_validator(mode="after")
    def _names_hold_together(self) -> ExperimentSpec:
        check_names(self.arms, self.seeds, self.baseline)
        if folds_of(self.resample) and self.data.validation_size is not None:
            raise ValueError(
                f"data.validation_size is {self.data.validation_size} and resample {self.resample!r}, whose folds have "
                "a size of their own; leave one of them out"
            )
        return self

    @model_validator(mode="after")
    def _classes_are_smoothed(self) -> ExperimentSpec:
        smoothing = any(arm.recipe.get("label_smoothing") for arm in self.arms) or self.recipe.label_smoothing
        name = self.task if isinstance(self.task, str) else self.task["name"]
        if smoothing and name != DEFAULT:
            raise ValueError(f"label_smoothing is for classes, and the task is {quote(name)}; leave it out")
        if smoothing and isinstance(self.task, dict) and {"label_smoothing", "loss"} & set(self.task):
            said = "has one of its own" if "label_smoothing" in self.task else "has a loss of its own"
            raise ValueError(f"recipe.label_smoothing: the task {said}; give one of the two")
        return self

    def canonical(self) -> dict[str, Any]:
        """The spec as JSON-ready values, defaults written out, in the words that ledgers have had from the first."""
        values = self.model_dump(mode="json", exclude=set(KEYS))
        for table, key, default in _YOUNGER:
            if values[table][key] == default:
                del values[table][key]
        if values["task"] == DEFAULT:
            del values["task"]
        if not values["resample"]:
            del values["resample"]
        for arm in values["arms"]:
            arm[KIND_BEFORE] = arm.pop("kind")
            if not arm["recipe"]:
                del arm["recipe"]
        return values

    def identity(self) -> str:
        """Hash of all that decides results: everything but the seeds, the executor and the device.

        Two specs with the same identity are the same experiment; the second may have more seeds.
        """
        decisive = self.canonical()
        del decisive["seeds"], decisive["compute"]
        return digest(decisive)


_YOUNGER = (
    ("recipe", "penalty_warm_up", 0.0),
    ("recipe", "drop_last", False),
    ("recipe", "label_smoothing", 0.0),
    ("data", "inputs", "auto"),
)
"""Keys that came later than ledgers that are to be continued; at their defaults they are left out."""


def digest(value: Mapping[str, Any]) -> str:
    """First 16 hex digits of the SHA-256 of a value's canonical JSON.

    >>> digest({"a": 1}) == digest({"a": 1}), len(digest({}))
    (True, 16)
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
