"""Whether the model can be built and every arm's sites and schedules are there."""

from __future__ import annotations

from torch import nn

from droplab.errors import SiteError, SpecError
from droplab.experiment.arming import initial_model
from droplab.experiment.moving import MovingRates
from droplab.experiment.seeding import borrowed_generators
from droplab.experiment.spec import ExperimentSpec
from droplab.surgery import apply_rates


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
                change = apply_rates(model, arm.p, arm.layer)
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
