"""What a spec asks of the data's size and shape."""

from __future__ import annotations

from droplab.data import Split
from droplab.errors import SpecError
from droplab.execution.check.suits import check_recipe
from droplab.spec.experiment import ExperimentSpec
from droplab.tasks.split import TaskSplit


def check_sizes(spec: ExperimentSpec, split: Split | TaskSplit) -> None:
    """Raise ``SpecError`` where a batch is larger than the training data, or the recipe does not suit the data."""
    count = len(split.train)
    if spec.recipe.batch_size > count:
        raise SpecError([f"recipe.batch_size: {spec.recipe.batch_size} is larger than the training set ({count})"])
    check_recipe(spec.recipe, split)
