"""Whether the model can be built and every arm's sites and schedules are there."""

from __future__ import annotations

import torch
from torch import nn

from droplab.errors import ModelError, SiteError, SpecError, words_of
from droplab.experiment.arming import apply_arm, give_arm, initial_model
from droplab.experiment.moving import MovingRates
from droplab.experiment.seeding import borrowed_generators
from droplab.experiment.spec import ExperimentSpec
from droplab.nn import keyed
from droplab.surgery.draws import users_place


def check_arms(spec: ExperimentSpec, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build the model once and put each arm in and out of it.

    Returns:
        The model, as the last arm left it; another call of the model function must not return it again.

    Raises:
        ModelError: the model cannot be built.
        SpecError: site patterns that match nothing, schedules with nothing to move, for all arms at once.
    """
    problems = []
    with borrowed_generators():
        model = initial_model(spec, shape, classes, spec.seeds[0])
        for number, arm in enumerate(spec.arms):
            try:
                change = apply_arm(model, arm)
            except (SiteError, SpecError, TypeError) as problem:
                problems.append(f"arms[{number}].p ({arm.name}): {problem}")
                continue
            try:
                MovingRates(model, arm.schedule, change.rates)
            except SiteError as problem:
                problems.append(f"arms[{number}].schedule ({arm.name}): {problem}")
            finally:
                change.undo()
    if problems:
        raise SpecError(problems)
    return model


def check_zeros(spec: ExperimentSpec, shape: tuple[int, ...], classes: int) -> None:
    """Pass two zeros through each arm's model, where there are no samples at hand.

    Raises:
        ModelError: the model cannot be built or fails, or does not give ``(2, classes)``.
    """
    for arm in spec.arms:
        with borrowed_generators(), torch.no_grad():
            model = initial_model(spec, shape, classes, spec.seeds[0])
            give_arm(model, arm)
            try:
                with keyed(model, seed=0):  # as in training: a layer that is called twice is refused here
                    logits = model(torch.zeros(2, *shape))
            except (Exception, SystemExit) as problem:
                raise ModelError(
                    f"model {spec.model.name!r} (arm {arm.name!r}) fails on a batch of shape {(2, *shape)}: "
                    f"{words_of(problem)}{at(problem)}"
                ) from problem
        if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != (2, classes):
            got = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
            raise ModelError(f"model {spec.model.name!r} gives {got} for two samples; {(2, classes)} is wanted")


def at(problem: BaseException) -> str:
    """`` (at my_model.py:31 in Net.forward)``: the user's line, where there is one."""
    place = users_place(problem)
    return f" (at {place})" if place else ""
