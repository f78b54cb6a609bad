"""What a spec names of the user's own code: ``pkg.module:name``, or the name of what was given as an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from droplab.spec.experiment import ExperimentSpec
from droplab.spec.optimisers import name_and_options
from droplab.spec.task import objects_of
from droplab.userobjects import is_object
from droplab.variants.asked import asked


def named_objects(spec: ExperimentSpec) -> dict[str, str]:
    """Name by what it stands for, in the order of the spec.

    >>> named_objects(ExperimentSpec(model={"name": "my.nets:small"}))
    {'model': 'my.nets:small'}
    """
    optimizer, _ = name_and_options(spec.recipe.optimizer)
    found = {"model": spec.model.name, "data": spec.data.name, "optimizer": optimizer, **objects_of(spec.task)}
    for arm in spec.arms:
        if "optimizer" in arm.recipe:
            optimizer, _ = name_and_options(arm.recipe["optimizer"])
            found[f"optimizer {optimizer}"] = optimizer
        found.update({f"kind {one.name}": one.name for one in asked(arm.kind)})
        found.update({f"schedule {name}": name for name in _names(arm.schedule)})
    return {what: name for what, name in found.items() if is_object(name)}


def _names(schedule: Any) -> Iterator[str]:
    """Of a schedule in normal form, and of those inside it."""
    if isinstance(schedule, Mapping):
        for key, item in schedule.items():
            if key == "name" and isinstance(item, str):
                yield item
            else:
                yield from _names(item)
    elif isinstance(schedule, list):
        for item in schedule:
            yield from _names(item)
