"""The checks, in order, and what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from droplab.data import Split
from droplab.errors import DroplabError, SpecError
from droplab.execution.check.arms import check_arms
from droplab.execution.check.identical import check_identical
from droplab.execution.check.never_called import check_never_called
from droplab.execution.check.no_key import check_keys
from droplab.execution.check.passes import check_passes
from droplab.execution.check.randomness import WHAT_TO_DO, beyond_arms, check_randomness
from droplab.execution.check.samples import check_samples
from droplab.execution.check.sizes import check_batches, check_sizes
from droplab.execution.check.subject import Subject
from droplab.execution.check.weights import check_new, check_weights
from droplab.execution.fingerprint import code_digests
from droplab.records import Notice
from droplab.spec.arm import ArmSpec
from droplab.spec.experiment import ExperimentSpec
from droplab.tasks.split import TaskSplit
from droplab.training.samples import RunData
from droplab.training.seeding import borrowed_generators


@dataclass(frozen=True)
class Checked:
    """What the check found where nothing forbids the experiment."""

    notices: tuple[Notice, ...]
    weights: Mapping[str, str]
    """Digest of the initial weights by seed, where its arms share them."""
    code: Mapping[str, Mapping[str, str]]
    """``fingerprint.code_digests``."""


ArmCheck = Callable[[Subject], Iterable[Notice]]


def check_experiment(
    spec: ExperimentSpec, split: Split | TaskSplit, data: RunData, *, allow_random_baseline: bool = False
) -> Checked:
    """Make all checks. The global generators, and everything else, are left as they were.

    Args:
        spec: the experiment.
        split: its data.
        data: the same on the device.
        allow_random_baseline: say, and do not refuse, that an arm without dropout drops.

    Raises:
        SpecError: what the spec asks of data and model is not there.
        ModelError: the model does not train, or not as the arms say.
    """
    check_sizes(spec, split)
    try:
        known = check_arms(spec, split.shape, split.classes)
    except SpecError as problem:
        raise _with_what_drops(spec, data, problem) from None
    arm_checks: tuple[ArmCheck, ...] = (
        check_passes,
        partial(check_randomness, allow=allow_random_baseline),
        check_never_called,
        check_keys,
    )
    notices: list[Notice] = []
    weights, signatures = [], []
    with borrowed_generators():
        for arm in spec.arms:
            subject = Subject(spec, arm, data)
            check_new(spec, known, subject.built)
            for check in arm_checks:
                notices += check(subject)
            weights.append(subject.weights)
            signatures.append(subject.signature)
        notices = list(_together(notices, len(spec.arms)))
        notices += check_batches(spec, data)
        notices += check_identical(spec, data, signatures)
        notices += check_weights(spec, data, weights)
        notices += check_samples(split, data, known)
    shared = {str(spec.seeds[0]): weights[0]} if len(set(weights)) == 1 else {}
    return Checked(tuple(notices), shared, code_digests(spec))


def _with_what_drops(spec: ExperimentSpec, data: RunData, problem: SpecError) -> SpecError:
    """The problem, and where the model drops by itself: whoever calls dropout as a function looks for it in vain."""
    as_written = ArmSpec(name="as written", p={})
    try:
        with borrowed_generators():
            drops = beyond_arms(Subject(spec, as_written, data))
    except DroplabError:  # that model does not train either; first things first
        return problem
    if not drops:
        return problem
    lines = drops.replace("\n", "\n  ")
    said = f"model {spec.model.name!r} drops where no arm reaches:\n  {lines}\n    {WHAT_TO_DO}"
    return SpecError([*problem.problems, said])


def _together(notices: Iterable[Notice], arms: int) -> Iterator[Notice]:
    """One notice where all arms have the same."""
    found: dict[tuple[str, str], list[Notice]] = {}
    for notice in notices:
        found.setdefault((notice.code, repr(notice.detail)), []).append(notice)
    for same in found.values():
        yield from [replace(same[0], arm="")] if len(same) == arms > 1 else same
