"""One arm: a rate, a kind, a schedule, and what it changes of the recipe.

>>> arm = ArmSpec(name="half", p=0.5, weight_decay=0.01)
>>> arm.p, arm.recipe
(0.5, {'weight_decay': 0.01})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    model_validator,
)

from droplab.schedules import Adaptive, for_sites, moves, normal_form
from droplab.spec import changes
from droplab.spec.strict import Strict
from droplab.spec.values import json_ready
from droplab.variants.asked import asked, by_name

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
"""A drop rate: the probability that a unit is dropped."""

Rates = Annotated[
    Annotated[Rate, Tag("rate")] | Annotated[dict[str, Rate], Tag("sites")],
    Discriminator(lambda value: "sites" if isinstance(value, Mapping) else "rate"),
]
"""One rate for all dropout layers, or a rate for each site pattern."""


def _known_kind(value: Any) -> Any:
    asked(value)
    return json_ready(by_name(value))


AskedKind = Annotated[str | dict[str, Any], BeforeValidator(_known_kind)]
"""A kind (``droplab kinds``, or a layer of the user's own): its name, a table with ``name`` and options, or a table by
site pattern; in Python the class itself may stand where its name does."""


KIND_BEFORE = "layer"
"""What ``kind`` was called in specs, and is still in ledgers, whose identity is a hash of their words."""


class ArmSpec(Strict):
    """One way of regularising the model."""

    name: str = Field(min_length=1, max_length=120)
    """Shown everywhere; unique within the experiment."""
    p: Rates = 0.0
    """One drop rate for all dropout layers of the model, or ``{site pattern: rate}``; sites that are not named keep the
    rate that the model gives them, so that ``{}`` is the model as it is written."""
    kind: AskedKind | None = None
    """Kind of dropout at the sites: a name (``droplab kinds``, or ``pkg.module:Class``, a ``DropLayer`` of your own), a
    table with ``name`` and options, or a table from site patterns to such; the model's own kind where absent. Specs
    that were written before call it ``layer``."""
    schedule: Annotated[str | dict[str, Any], BeforeValidator(normal_form)] = "constant"
    """How ``p`` moves over training: the name of a schedule, a table with ``name`` and its parameters, or a
    table from site patterns to such. Kept with every parameter written out."""
    recipe: Annotated[dict[str, Any], BeforeValidator(changes.kept)] = Field(default_factory=dict)
    """What this arm changes of the recipe: ``{weight_decay = 0.01}``; ``changes.VARYING`` has the keys, which may also
    stand beside ``p``. To a loop of the user's own it is what ``run.settings`` has, under any keys."""

    @model_validator(mode="before")
    @classmethod
    def _read_the_word_of_before(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        values = changes.gathered(values)
        if KIND_BEFORE not in values:
            return values
        if "kind" in values:
            raise ValueError(f"the kind is given twice, as `kind` and as `{KIND_BEFORE}`, its name of before: give one")
        return {"kind" if key == KIND_BEFORE else key: value for key, value in values.items()}

    @model_validator(mode="after")
    def _has_something_to_move(self) -> ArmSpec:
        moving = [inner for _, inner in for_sites(self.schedule) if moves(inner)]
        rates = self.p.values() if isinstance(self.p, dict) else (self.p,)
        if moving and not any(rates) and not any(isinstance(inner, Adaptive) for inner in moving):
            raise ValueError(
                f"the schedule {moving[0].name!r} moves between 0 and p, and p is 0: give the arm a p, the peak"
            )
        return self


def _settled(arm: ArmSpec, info: ValidationInfo) -> ArmSpec:
    """With its changes checked against the recipe, where that holds."""
    recipe, data = info.data.get("recipe"), info.data.get("data")
    if not arm.recipe or recipe is None or data is None:
        return arm
    return arm.model_copy(update={"recipe": changes.settled(arm.recipe, recipe, data)})


HouseArm = Annotated[ArmSpec, AfterValidator(_settled)]
"""An arm on the house's own loop, whose recipe is known."""

TUTORIAL_ARMS = (ArmSpec(name="no dropout", p=0.0), ArmSpec(name="dropout 0.25", p=0.25))
"""The tutorial's two runs: without dropout, and 0.25 before each linear layer."""
OWN_ARMS = (ArmSpec(name="no dropout", p=0.0), ArmSpec(name="as written", p={}), ArmSpec(name="dropout 0.25", p=0.25))
"""For a model of the user's own, whose rates are somebody's choice: none, those, and one rate everywhere."""


def default_arms(model: str) -> tuple[ArmSpec, ...]:
    """The arms of a spec that names none.

    >>> [arm.name for arm in default_arms("my.models:net")]
    ['no dropout', 'as written', 'dropout 0.25']
    """
    return OWN_ARMS if ":" in model else TUTORIAL_ARMS


def check_names(arms: Sequence[ArmSpec], seeds: Sequence[int], baseline: str) -> None:
    """Raise ``ValueError`` where arms or seeds come twice, or a baseline is no arm."""
    names = [arm.name for arm in arms]
    if not names:
        raise ValueError("arms: at least one arm is wanted")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"arm names must be unique; given twice: {', '.join(twice)}")
    if len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds must be unique; got {list(seeds)}")
    if baseline and baseline not in names:
        raise ValueError(f"baseline {baseline!r} is none of the arms: {', '.join(names)}")


class _HasArms(Protocol):
    arms: tuple[ArmSpec, ...]
    baseline: str


class ByName:
    """Base of specs that have arms, to be had by name. No model itself: that would move the order of their fields."""

    @property
    def baseline_arm(self: _HasArms) -> str:
        """Name of the arm that the others are compared with."""
        return self.baseline or self.arms[0].name

    def arm(self: _HasArms, name: str) -> ArmSpec:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)
