"""The spec of an experiment: data, model, recipe, seeds and arms; TOML and Python the same.

>>> spec = ExperimentSpec.model_validate({"data": {"name": "cifar10"}, "seeds": 5})
>>> spec.seeds, spec.arms[1].p
((0, 1, 2, 3, 4), 0.25)
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from droplab.errors import quote
from droplab.given import name_of
from droplab.resampling import folds_of
from droplab.schedules import Adaptive, for_sites, moves, normal_form
from droplab.spec import changes, optimisers
from droplab.spec.plan import KEYS, Planned
from droplab.spec.strict import Strict
from droplab.spec.task import DEFAULT
from droplab.spec.task import normal_form as task_form
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


def _model_name(value: Any) -> Any:
    """A function or class may stand where its name does."""
    if isinstance(value, str) or not callable(value):
        return value
    if not isinstance(value, type) and any(kind.__name__ == "Module" for kind in type(value).__mro__):
        raise ValueError(
            f"a {type(value).__name__} that exists already would start every seed from the same weights; give the "
            "class or the function that builds it (for weights that you want kept: lambda: copy.deepcopy(model))"
        )
    return name_of(value)


def _data_name(value: Any) -> Any:
    """A function, a path, or what a data function returns may stand where its name does."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str) or value is None or isinstance(value, (bool, int, float)):
        return value
    return name_of(value) if callable(value) else name_of(partial(_as_it_is, value), "given:data")


def _as_it_is(value: Any) -> Any:
    return value


Options = Annotated[dict[str, Any], BeforeValidator(json_ready)]
"""Keyword arguments that the ledger can keep."""


class DataSpec(Strict):
    """Which data, and how much of it."""

    name: Annotated[str, BeforeValidator(_data_name)] = "fashion-mnist-mini"
    """A registered data set, a path to an ``.npz``, or ``pkg.module:function``; in Python also the function itself, or
    what it would return."""
    train_size: int | None = Field(default=None, ge=1)
    """Training samples to keep, stratified by class; all of them where absent."""
    validation_size: int | float | None = None
    """Samples (int) or share (float below 1) taken from the training data; the data set's own where absent."""
    split_seed: int = Field(default=0, ge=0)
    """Seed of the split into training and validation; one split for all runs of the experiment."""
    inputs: Literal["auto", "pixels", "as-is"] = "auto"
    """What the numbers are: ``pixels`` in 0..255 are scaled to [-1, 1], others stay ``as-is``; ``auto`` goes by what
    the source says: images of type uint8 are pixels."""
    options: Options = Field(default_factory=dict)
    """Keyword arguments for a data function of your own."""


class ModelSpec(Strict):
    """Which model."""

    name: Annotated[str, BeforeValidator(_model_name)] = "tutorial-cnn"
    """``tutorial-cnn``, ``srivastava-mlp``, ``mlp``, ``unet``, ``gpt``, ``lstm`` or ``pkg.module:function``; in Python
    also the function or class itself."""
    options: Options = Field(default_factory=dict)
    """Keyword arguments for the model."""


class RecipeSpec(Strict):
    """How every run trains; an arm may change what ``changes.VARYING`` has."""

    epochs: int = Field(default=15, ge=1)
    """Passes over the training data."""
    batch_size: int = Field(default=32, ge=1)
    """Samples per step; the last, smaller batch of an epoch is kept unless ``drop_last``."""
    drop_last: bool = False
    """Leave out an epoch's last batch where it is smaller than the others; every epoch leaves out other samples."""
    optimizer: Annotated[str | dict[str, Any], BeforeValidator(optimisers.normal_form)] = "adam"
    """``adam``, ``adamw``, ``sgd``: torch's, fused where torch has it; ``pkg.module:Class`` (``torch.optim:RMSprop``);
    or a table with such a ``name`` and options. In Python also the class, or a function of parameters and ``lr``."""
    lr: float = Field(default=1e-3, gt=0)
    """Learning rate at the start."""
    lr_schedule: Literal["constant", "cosine", "step"] = "constant"
    """``cosine`` falls to 0 at the last step; ``step`` divides by 10 at 50 % and at 75 % of all steps."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """For ``sgd`` only."""
    weight_decay: float = Field(default=0.0, ge=0)
    """As the optimiser defines it (L2 in adam and sgd, decoupled in adamw)."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of each target that is spread over all classes in what is minimised; every loss that is measured in eval
    mode stays the plain cross-entropy, so that arms can be compared by it."""
    max_norm: float | None = Field(default=None, gt=0)
    """Upper bound of the L2 norm of each unit's incoming weights, applied after every step."""
    augmentation: Literal["none", "flip-crop"] = "none"
    """``flip-crop``: horizontal flip with probability ½ and a random crop after 4 pixels of zero padding."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """``bfloat16`` trains under autocast; ``auto`` takes whichever this machine trains faster."""
    penalty_warm_up: float = Field(default=0.0, ge=0, le=1)
    """Share of all steps over which penalties of layers (variational ones have them) rise to their full weight."""
    fit_size: int = Field(default=5000, ge=1)
    """Samples of the fixed training subset that is measured in eval mode; at most all of them."""
    watch_every: int = Field(default=1, ge=0)
    """Epochs between measurements of norms and histograms; 0 for never."""


def steps_per_epoch(samples: int, recipe: RecipeSpec) -> int:
    """How many batches an epoch has.

    >>> steps_per_epoch(97, RecipeSpec(batch_size=32)), steps_per_epoch(97, RecipeSpec(batch_size=32, drop_last=True))
    (4, 3)
    """
    return samples // recipe.batch_size if recipe.drop_last else math.ceil(samples / recipe.batch_size)


class ComputeSpec(Strict):
    """Where and how runs are carried out; fixed in the ledger when an experiment is created."""

    executor: Literal["auto", "serial", "process", "ray"] = "auto"
    """``auto`` measures which of ``serial`` and ``process`` finishes the run set first; ``ray`` is a cluster."""
    workers: int | None = Field(default=None, ge=1)
    """Worker processes of ``process``; one per core where absent."""
    threads: int | None = Field(default=None, ge=1)
    """CPU threads of each run; shared out evenly where absent."""
    device: str = "auto"
    """``auto``: the GPU where there is one, else the CPU; or a torch device such as ``cuda:1``."""
    address: str | None = None
    """Of ``ray``: the cluster's; where absent, the one that runs on this machine, or a new one."""
    cpus_per_run: float | None = Field(default=None, gt=0)
    """Of ``ray``: CPUs that each run holds on its node; its threads, or 1, where absent."""
    gpus_per_run: float | None = Field(default=None, ge=0)
    """Of ``ray``: GPUs that each run holds, 0.25 for four runs on one; none where absent."""

    @model_validator(mode="after")
    def _has_a_cluster_to_ask(self) -> ComputeSpec:
        given = [name for name in _OF_RAY if getattr(self, name) is not None]
        if given and self.executor != "ray":
            raise ValueError(f"{', '.join(given)}: of executor = 'ray' alone, and it is {self.executor!r}")
        if self.executor == "ray" and self.workers is not None:
            raise ValueError(
                "workers: how many runs a cluster has at a time follows from cpus_per_run and gpus_per_run"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_younger(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = written(self)
        return {name: value for name, value in values.items() if name not in _OF_RAY or value is not None}


_OF_RAY = ("address", "cpus_per_run", "gpus_per_run")
"""Keys that came later than ledgers that are to be continued; where absent they are left out."""

_KIND_BEFORE = "layer"
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
        if _KIND_BEFORE not in values:
            return values
        if "kind" in values:
            raise ValueError(
                f"the kind is given twice, as `kind` and as `{_KIND_BEFORE}`, its name of before: give one"
            )
        return {"kind" if key == _KIND_BEFORE else key: value for key, value in values.items()}

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

MOST_SEEDS = 10_000


def _seed_list(value: Any) -> Any:
    """``5`` means seeds 0 to 4."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError("at least one seed is wanted")
        if value > MOST_SEEDS:
            raise ValueError(
                f"{value} means the seeds 0 to {value - 1}, and {MOST_SEEDS} is the most; write [{value}] for one seed"
            )
        return tuple(range(value))
    return value


Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=2**31)], ...],
    BeforeValidator(_seed_list),
    Field(min_length=1, max_length=MOST_SEEDS),
]

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


def _named_model(values: Mapping[str, Any]) -> str:
    model = values.get("model")
    name = model.get("name") if isinstance(model, Mapping) else getattr(model, "name", None)
    if callable(name):
        return name_of(name)
    return name if isinstance(name, str) else ""


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
            arm[_KIND_BEFORE] = arm.pop("kind")
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
