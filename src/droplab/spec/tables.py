"""A spec's tables: data, model, recipe, compute."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from droplab.given import name_of
from droplab.spec import optimisers
from droplab.spec.strict import Strict
from droplab.spec.values import json_ready


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
