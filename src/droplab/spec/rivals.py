"""The recipe and the data of an arm: the experiment's, with what the arm changes."""

from __future__ import annotations

from droplab.spec.arm import ArmSpec
from droplab.spec.changes import SIZE
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.tables import RecipeSpec


def recipe_of(spec: ExperimentSpec, arm: ArmSpec) -> RecipeSpec:
    """What the arm trains by.

    >>> spec = ExperimentSpec(arms=[{"name": "none"}, {"name": "decay", "weight_decay": 0.01}])
    >>> [recipe_of(spec, arm).weight_decay for arm in spec.arms]
    [0.0, 0.01]
    """
    changes = {key: value for key, value in arm.recipe.items() if key != SIZE}
    return spec.recipe.model_copy(update=changes) if changes else spec.recipe


def dearest(spec: ExperimentSpec) -> ArmSpec:
    """The arm whose samples take longest to train, by its recipe; the last of equal ones.

    >>> dearest(ExperimentSpec(arms=[{"name": "crops", "augmentation": "flip-crop"}, {"name": "none"}])).name
    'crops'
    """

    def cost(arm: ArmSpec) -> tuple[bool, int]:
        recipe = recipe_of(spec, arm)
        return recipe.augmentation != "none", -recipe.batch_size

    return max(reversed(spec.arms), key=cost)


def train_sizes(spec: ExperimentSpec) -> tuple[int | None, ...]:
    """Numbers of training samples that arms ask for and the experiment does not; ``None`` for all there are.

    >>> train_sizes(ExperimentSpec(arms=[{"name": "none"}, {"name": "fewer", "train_size": 500}]))
    (500,)
    """
    return tuple(dict.fromkeys(arm.recipe[SIZE] for arm in spec.arms if SIZE in arm.recipe))
