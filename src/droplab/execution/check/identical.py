"""Arms that train the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from droplab.errors import DroplabError
from droplab.execution.check.passes import signature
from droplab.execution.check.subject import Subject
from droplab.records import Notice
from droplab.spec.arm import ArmSpec
from droplab.spec.experiment import ExperimentSpec
from droplab.surgery import site_layers
from droplab.training.samples import RunData
from droplab.variants.asked import normal_form


def check_identical(spec: ExperimentSpec, data: RunData, signatures: Sequence[str]) -> Iterator[Notice]:
    """Name arms whose logits and gradients of one keyed step are equal to the bit, or whose definitions are equal.

    Where rates differ, the step is taken again with rates far apart, since two small rates may drop the same units of
    one batch by chance.

    Args:
        spec: the experiment.
        data: its data.
        signatures: of each arm, as ``check_passes`` left them with its subject.
    """
    for place, arm in enumerate(spec.arms):
        for before, other in enumerate(spec.arms[:place]):
            if (arm.schedule, arm.recipe) != (other.schedule, other.recipe) or signatures[place] != signatures[before]:
                continue
            if _definition(arm) == _definition(other) or _equal_far_apart(spec, data, other, arm):
                yield Notice("identical", arm.name, {"other": other.name})
                break


def _definition(arm: ArmSpec) -> tuple[object, ...]:
    return arm.p, normal_form(arm.kind), arm.schedule


def _equal_far_apart(spec: ExperimentSpec, data: RunData, *arms: ArmSpec) -> bool:
    subjects = [Subject(spec, arm, data) for arm in arms]
    wanted = sorted({rate for subject in subjects for rate in subject.change.rates.values() if 0 < rate < 1})
    apart = {rate: 0.25 + 0.5 * (place + 1) / (len(wanted) + 1) for place, rate in enumerate(wanted)}
    for subject in subjects:
        layers = site_layers(subject.model)
        for site, rate in subject.change.rates.items():
            if site in layers and rate in apart:
                try:
                    layers[site].p = apart[rate]
                except DroplabError:  # a kind that takes other rates only
                    return False
    return signature(subjects[0]) == signature(subjects[1])
