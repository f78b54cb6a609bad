"""What a spec asks of the data's size and shape."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.data import Split
from droplab.errors import SpecError
from droplab.execution.check.suits import check_recipe
from droplab.records import Notice
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.rivals import recipe_of
from droplab.tasks.split import TaskSplit
from droplab.training.samples import RunData


def check_sizes(spec: ExperimentSpec, split: Split | TaskSplit) -> None:
    """Raise ``SpecError`` where a batch is larger than the training data, or a recipe does not suit the data."""
    count = len(split.train)
    if spec.recipe.batch_size > count:
        raise SpecError([f"recipe.batch_size: {spec.recipe.batch_size} is larger than the training set ({count})"])
    check_recipe(spec.recipe, split)
    for number, arm in enumerate(spec.arms):
        if arm.recipe:
            check_recipe(recipe_of(spec, arm), split, f"arms[{number}].")


def check_batches(spec: ExperimentSpec, data: RunData) -> Iterator[Notice]:
    """Name arms whose batches hold other samples than the baseline's, so that runs of a seed share less.

    Raises:
        SpecError: a batch of an arm is larger than the training data.
    """

    def asked(arm: str) -> tuple[int, int, bool]:
        recipe = recipe_of(spec, spec.arm(arm))
        return len(data.of(spec.arm(arm)).train), recipe.batch_size, recipe.drop_last

    wanted = asked(spec.baseline_arm)
    for number, arm in enumerate(spec.arms):
        samples, size, drop_last = asked(arm.name)
        if size > samples:
            said = f"arms[{number}].batch_size: {size} is larger than the training set of this arm ({samples})"
            raise SpecError([said])
        if (samples, size, drop_last) != wanted:
            yield Notice("other_batches", arm.name, {"samples": samples, "size": size})
