"""A built-in set of arms for a model that is not the tutorial's: the same questions at the sites that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from droplab.data import Split
from droplab.errors import SpecError, UserError, clip, quote_text
from droplab.execution.check import check_arms
from droplab.execution.check.suits import check_recipe
from droplab.execution.loading import load_data, told_task
from droplab.execution.places import Places
from droplab.models import build
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.rivals import recipe_of
from droplab.spec.specfile import parse_spec
from droplab.surgery import remember
from droplab.tasks.evaluate import called_with, outputs_of
from droplab.tasks.split import TaskSplit
from droplab.training.arming import apply_arm
from droplab.training.seeding import borrowed_generators
from droplab.variants.table import TABLE

MADE_FOR = "tutorial-cnn"


def fit_set(values: Mapping[str, Any], data_dir: Path | None = None) -> tuple[dict[str, Any], list[str]]:
    """The values of a spec whose arms are a built-in set's, with arms that its model can take.

    Args:
        values: a spec's.
        data_dir: where data sets are looked for.

    Returns:
        The values, and a line for each arm that was left out.

    Raises:
        SpecError: the values do not hold.
        UserError: the model can take none of the arms, or fails by itself.
    """
    spec = _without_arms(values)
    if spec.model.name == MADE_FOR:
        return dict(values), []
    spec, given = told_task(spec)
    split = load_data(spec.data, data_dir, spec.task, given=given)
    shape = split.shape
    inputs = split.train.take(torch.tensor([0, 1])).inputs if isinstance(split, TaskSplit) else torch.zeros(2, *shape)
    with borrowed_generators():
        places = Places.of(build(spec.model.name, shape, split.classes, spec.model.options))
    arms, left = [], list[str]()
    for number, arm in enumerate(values["arms"]):
        made, why = _preset(arm, places) or _moved(arm, places)
        if made is not None:
            why = _refusal(spec, made, split, inputs, first=number == 0)
            entered = _entered(made, places) if why else None
            if entered is not None and not _refusal(spec, entered, split, inputs, first=False):
                made, why = entered, ""
        if made is None or why:
            left.append(f"left out of the set: {arm['name']!r} ({why})")
        else:
            arms.append(made)
    if left and len(arms) < 2:
        why = (
            ": it has no dropout layers, and no linear layers after the first. Name sites in a spec, "
            'p = { "NAME:in" = 0.25 }'
        )
        raise UserError(
            f"no arm of this set is for the model {spec.model.name!r}{'' if places.drops else why}; {'; '.join(left)}"
        )
    return {**values, "arms": arms}, left


def _without_arms(values: Mapping[str, Any]) -> ExperimentSpec:
    """The spec, whatever is wrong with arms that this task cannot have."""
    try:
        return parse_spec(values)
    except SpecError:
        return parse_spec({key: value for key, value in values.items() if key not in {"arms", "baseline"}})


def _refusal(
    spec: ExperimentSpec, arm: Mapping[str, Any], split: Split | TaskSplit, inputs: Any, *, first: bool
) -> str:
    """Why the arm cannot be had; empty where it can. What is wrong with the first is the model's own trouble."""
    try:
        alone = parse_spec({**spec.model_dump(exclude={"arms", "baseline"}), "arms": [arm]})
        check_arms(alone, split.shape, split.classes)
        check_recipe(recipe_of(alone, alone.arms[0]), split, "")
    except UserError as problem:
        if first:
            raise
        said = str(problem).rpartition("\n")[2].strip(" -")
        for place in ("p", "schedule"):
            said = said.removeprefix(f"arms[0].{place} ({arm['name']}): ")
        return clip(said)
    return "" if first else _failure(alone, split.shape, split.classes, inputs)


def _failure(spec: ExperimentSpec, shape: Any, classes: int, inputs: Any) -> str:
    """What the model with its one arm raises on a batch; empty where it passes."""
    arm = spec.arms[0]
    with borrowed_generators(), torch.no_grad():
        model = build(spec.model.name, shape, classes, spec.model.options)
        remember(model, *called_with(inputs))
        apply_arm(model, arm)
        try:
            outputs_of(model, inputs)
        except Exception as problem:  # noqa: BLE001  # a kind may want other dimensions than the site has
            return f"{type(problem).__name__}: {quote_text(problem)}"
    return ""


def _preset(arm: Mapping[str, Any], places: Places) -> tuple[dict[str, Any], str] | None:
    """An arm of places that mean something in any model, whose own dropout then drops nothing."""
    p = arm.get("p", 0.0)
    if not isinstance(p, Mapping) or not any(site.startswith("@") for site in p):
        return None
    return {**arm, "p": {"*": 0.0, **p} if places.own else dict(p)}, ""


def _entered(arm: Mapping[str, Any], places: Places) -> dict[str, Any] | None:
    """The arm at the first layer, where it asks for the model's input and the model makes something of that first."""
    if not isinstance(arm.get("p"), Mapping) or "@input" not in arm["p"] or places.entrance is None:
        return None
    return {**arm, "p": {places.entrance if site == "@input" else site: p for site, p in arm["p"].items()}}


def _moved(arm: Mapping[str, Any], places: Places) -> tuple[dict[str, Any] | None, str]:
    """The arm at the model's own places, or why there are none."""
    p, kind = arm.get("p", 0.0), arm.get("kind")
    if not isinstance(p, Mapping):
        return _everywhere(arm, p, kind, places)
    doors = [site for site in p if ":" in site]
    if any(site.endswith(":out") for site in doors):
        return _on_maps(arm, p, kind, places)
    if doors:
        if places.entrance is None:
            return None, "the model's first layer takes no numbers"
        return {**arm, "p": {places.entrance: p[doors[0]]}}, ""
    if len(places.drops) < 2:
        return None, "it wants two places for dropout"
    low, high = p.values()
    moved = {**dict.fromkeys(places.drops[:-1], low), places.drops[-1]: high}
    return {**arm, "name": f"more at {places.drops[-1]}", "p": moved}, ""


def _everywhere(arm: Mapping[str, Any], p: float, kind: Any, places: Places) -> tuple[dict[str, Any] | None, str]:
    """One rate: for layers that the model has it stays one rate; else it goes to the places by name."""
    if places.own or (p == 0 and "schedule" not in arm):
        return dict(arm), ""
    weights = isinstance(kind, str) and bool(TABLE[kind].adopts)
    sites: Sequence[str] = [site.removesuffix(":in") for site in places.drops] if weights else places.drops
    if not sites:
        return None, "the model has no dropout layers, and no linear layers after the first"
    return {**arm, "p": dict.fromkeys(sites, p)}, ""


def _on_maps(arm: Mapping[str, Any], p: Mapping[str, float], kind: Any, places: Places) -> tuple[Any, str]:
    if not places.maps:
        return None, "the model has no Conv2d"
    rate = next(rate for site, rate in p.items() if site.endswith(":out"))
    moved = dict.fromkeys(places.maps, rate)
    others = [rate for site, rate in p.items() if ":" not in site]
    if not others:
        return {**arm, "p": moved}, ""
    return {
        **arm,
        "p": {**moved, **dict.fromkeys(places.drops, others[0])},
        "kind": dict.fromkeys(places.maps, next(iter(kind.values()))),
    }, ""
