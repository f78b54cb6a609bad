"""Everything about a spec that only data and model can tell, checked before anything is written."""

from __future__ import annotations

import torch

from droplab.data import Split
from droplab.errors import ModelError, SiteError, SpecError, words_of
from droplab.experiment.moving import MovingRates
from droplab.experiment.seeding import borrowed_generators
from droplab.experiment.spec import ExperimentSpec
from droplab.models import build
from droplab.nn import keyed
from droplab.surgery import apply_rates, rates, replace
from droplab.userobjects import where_raised


def check_sizes(spec: ExperimentSpec, split: Split) -> None:
    """Raise ``SpecError`` where a batch is larger than the training data."""
    count = len(split.train)
    if spec.recipe.batch_size > count:
        raise SpecError([f"recipe.batch_size: {spec.recipe.batch_size} is larger than the training set ({count})"])


def check_arms(spec: ExperimentSpec, shape: tuple[int, ...], classes: int) -> None:
    """Build the model once per arm and pass two zeros through it.

    Raises:
        ModelError: the model cannot be built, fails on a batch, or does not give ``(2, classes)``.
        SpecError: site patterns that match nothing, schedules with nothing to move, for all arms at once.
    """
    problems = []
    for number, arm in enumerate(spec.arms):
        with borrowed_generators():
            model = build(spec.model.name, shape, classes, spec.model.options)
        try:
            change = apply_rates(model, arm.p, arm.layer)
        except (SiteError, SpecError, TypeError) as problem:
            problems.append(f"arms[{number}].p ({arm.name}): {problem}")
            continue
        try:
            MovingRates(model, arm.schedule, change.rates)
        except SiteError as problem:
            problems.append(f"arms[{number}].schedule ({arm.name}): {problem}")
            continue
        if rates(model):
            replace(model)
        with torch.no_grad(), borrowed_generators():
            try:
                with keyed(model, seed=0):  # as in training: a layer that is called twice is refused here
                    logits = model(torch.zeros(2, *shape))
            except (Exception, SystemExit) as problem:
                raise ModelError(
                    f"model {spec.model.name!r} (arm {arm.name!r}) fails on a batch of shape {(2, *shape)}: "
                    f"{words_of(problem)} (at {where_raised(problem)})"
                ) from problem
        if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != (2, classes):
            got = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
            raise ModelError(
                f"model {spec.model.name!r} gives {got} for a batch of two samples; logits of shape "
                f"{(2, classes)} are wanted, one for each of the {classes} classes of {spec.data.name!r}"
            )
    if problems:
        raise SpecError(problems)
