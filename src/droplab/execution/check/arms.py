"""Whether the model can be built and every arm's sites and schedules are there."""

from __future__ import annotations

from torch import nn

from droplab.errors import SiteError, SpecError
from droplab.execution.places import proposal
from droplab.spec.experiment import ExperimentSpec
from droplab.surgery.draws import users_place
from droplab.training.arming import apply_arm, initial_model
from droplab.training.moving import MovingRates
from droplab.training.seeding import borrowed_generators


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
                wanted = proposal(model, arm.p) if isinstance(arm.p, float) else ""
                way_out = f" The model has no dropout layer; its places by name: {wanted}" if wanted else ""
                problems.append(f"arms[{number}].p ({arm.name}): {problem}{way_out}")
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


def at(problem: BaseException) -> str:
    """`` (at my_model.py:31 in Net.forward)``: the user's line, where there is one."""
    place = users_place(problem)
    return f" (at {place})" if place else ""
