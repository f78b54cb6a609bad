"""What a spec asks of the data's size and shape."""

from __future__ import annotations

from droplab.data import Split
from droplab.errors import SpecError
from droplab.experiment.spec import ExperimentSpec


def check_sizes(spec: ExperimentSpec, split: Split) -> None:
    """Raise ``SpecError`` where a batch is larger than the training data, or where the recipe is for images only."""
    count, recipe = len(split.train), spec.recipe
    problems = []
    if recipe.batch_size > count:
        problems.append(f"recipe.batch_size: {recipe.batch_size} is larger than the training set ({count})")
    if recipe.augmentation != "none" and len(split.shape) != 3:
        problems.append(
            f"recipe.augmentation: {recipe.augmentation} is for images (C, H, W); the samples of {spec.data.name!r} "
            f'have the shape {tuple(split.shape)}. Take "none"'
        )
    if problems:
        raise SpecError(problems)
