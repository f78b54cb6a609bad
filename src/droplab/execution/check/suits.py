"""Whether a recipe suits the data, before anything is trained."""

from __future__ import annotations

from droplab.data import Split
from droplab.errors import SpecError
from droplab.spec.experiment import RecipeSpec


def check_recipe(recipe: RecipeSpec, split: Split) -> None:
    """Refuse what the data cannot be given.

    Raises:
        SpecError: flips and crops of samples that are no images.
    """
    if recipe.augmentation == "flip-crop" and len(split.shape) != 3:
        problem = (
            f"recipe.augmentation: flip-crop is for images (C, H, W); samples of {split.name} have shape "
            f"{tuple(split.shape)}. Leave it out, or reshape them to images"
        )
        raise SpecError([problem])
