"""Whether a recipe suits the data, before anything is trained."""

from __future__ import annotations

from droplab.data import Split
from droplab.errors import SpecError
from droplab.spec.tables import RecipeSpec
from droplab.tasks.split import TaskSplit


def check_recipe(recipe: RecipeSpec, split: Split | TaskSplit, where: str = "recipe.") -> None:
    """Refuse what the data cannot be given.

    Args:
        recipe: the experiment's, or an arm's.
        split: the data.
        where: the place of its keys in the spec.

    Raises:
        SpecError: flips and crops of samples that are no images.
    """
    if recipe.augmentation == "flip-crop" and not (isinstance(split.shape, tuple) and len(split.shape) == 3):
        problem = (
            f"{where}augmentation: flip-crop is for images (C, H, W); samples of {split.name} have shape "
            f"{split.shape}. Leave it out, or reshape them to images"
        )
        raise SpecError([problem])
    if recipe.augmentation == "flip-crop" and isinstance(split, TaskSplit) and not split.by_class:
        problem = (
            f"{where}augmentation: flip-crop moves images and leaves targets where they are, which only classes allow. "
            "Leave it out; a Dataset of your own may draw transforms of both"
        )
        raise SpecError([problem])
