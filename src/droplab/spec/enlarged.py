"""An experiment on the house's own loop that gets more arms or seeds: what it is then, and what is new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from droplab.errors import SpecError
from droplab.spec.arm import ArmSpec
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.specfile import parse_spec
from droplab.spec.task import DEFAULT, OF_ANY_DATA
from droplab.variants.asked import normal_form

RENAMED = "renamed"
"""The key of a design with the name that an experiment was given afterwards."""
_ADDED = ("arms", "seeds", "baseline", "compute")


def as_it_began(design: Mapping[str, Any], spec: Any) -> Any:
    """The spec under the name that its experiment was made with, where it has the one that it was given afterwards.

    And with the task that its data were found to want, where it names none.
    """
    first = design["spec"].get("name")
    if design.get(RENAMED) == spec.name != first:
        spec = spec.model_copy(update={"name": first})
    return for_any_data(spec) if design["spec"].get("task") == OF_ANY_DATA else spec


def for_any_data(spec: Any) -> Any:
    """The spec with the task of classes that reads any data, where it names none.

    >>> for_any_data(ExperimentSpec()).task["figures"], for_any_data(ExperimentSpec(task="regression")).task
    (['loss', 'accuracy'], 'regression')
    """
    return spec.model_copy(update={"task": dict(OF_ANY_DATA)}) if getattr(spec, "task", "") == DEFAULT else spec


def has_its_arms(before: Mapping[str, Any], spec: ExperimentSpec) -> bool:
    """Whether a spec is a stored one with all its arms as they are, in any order, and maybe more.

    >>> fewer = ExperimentSpec(arms=[{"name": "none"}]).canonical()
    >>> has_its_arms(fewer, ExperimentSpec(arms=[{"name": "none"}, {"name": "half", "p": 0.5}]))
    True
    >>> has_its_arms(fewer, ExperimentSpec(arms=[{"name": "none", "p": 0.1}, {"name": "half", "p": 0.5}]))
    False
    """
    try:
        stored = parse_spec(before)
    except SpecError:  # it names what is not there any more
        return False
    there, here = stored.canonical(), spec.canonical()
    if any(there.get(key) != here.get(key) for key in {*there, *here} - set(_ADDED)):
        return False
    arms = {arm.name: _plain(arm) for arm in spec.arms}
    kept = all(arms.get(arm.name) == _plain(arm) for arm in stored.arms)
    return kept and spec.baseline_arm == stored.baseline_arm


def _plain(arm: ArmSpec) -> dict[str, Any]:
    return arm.model_copy(update={"kind": normal_form(arm.kind)}).model_dump(mode="json")


def enlarged_spec(
    spec: ExperimentSpec, before: Mapping[str, Any]
) -> tuple[ExperimentSpec, list[int], list[dict[str, Any]], str]:
    """The spec with the seeds and arms that its folder has already; those that are new; and what the folder has more.

    Args:
        spec: what is asked for now; the same experiment, maybe with more or fewer seeds and arms.
        before: what the folder's ledger has.
    """
    names, there = {arm["name"] for arm in before["arms"]}, tuple(before["seeds"])
    wanted = {arm.name for arm in spec.arms}
    seeds = [seed for seed in spec.seeds if seed not in there]
    added = [arm for arm in spec.canonical()["arms"] if arm["name"] not in names]
    arms = spec.arms
    if names != wanted:
        new = [arm for arm in spec.arms if arm.name not in names]
        arms = (*(ArmSpec.model_validate(arm) for arm in before["arms"]), *new)
    update = {"seeds": (*there, *seeds), "arms": arms, "baseline": before["baseline"]}
    if names - wanted:
        more = "more arms already; all of them are used"
    elif not seeds and len(spec.seeds) < len(there):
        more = f"{len(there)} seeds already; all of them are used"
    else:
        more = ""
    return spec.model_copy(update=update), seeds, added, more
