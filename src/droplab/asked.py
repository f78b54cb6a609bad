"""What ``droplab.compare`` is given, as a spec: of a loop of the user's own, or of the house's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from droplab.errors import SpecError, quote
from droplab.given import is_local
from droplab.spec import ExperimentSpec, parse_spec, read_spec
from droplab.spec.loop import LoopSpec
from droplab.spec.named import named_objects
from droplab.spec.presets import demo
from droplab.spec.specfile import parse, read_table
from droplab.userobjects import looks_like_object


def as_loop(spec: Any, over: Mapping[str, Any]) -> LoopSpec | None:
    """The spec of a loop of the user's own, or ``None`` where the house's loop is meant.

    Args:
        spec: as ``compare`` takes it.
        over: values laid over it.

    Raises:
        SpecError: it does not hold; or values that only a loop has are laid over a spec of the house's.
    """
    source = "droplab.compare"
    if isinstance(spec, LoopSpec):
        values: Any = spec.model_dump() if over else spec
    elif callable(spec) or (isinstance(spec, str) and looks_like_object(spec)):
        values = {"loop": spec}
    elif isinstance(spec, (str, Path)):
        values, source = read_table(Path(spec)), str(spec)
    else:
        values = spec
    if isinstance(values, LoopSpec):
        return values
    if not isinstance(values, Mapping | ExperimentSpec | None):
        raise SpecError(
            [f"got {quote(spec)}; a training loop train(run) is wanted, its name, a spec, or the path of one"], source
        )
    if isinstance(values, Mapping) and "loop" in values:
        return parse(LoopSpec, {**values, **over}, source)
    if over:
        raise SpecError(
            [f"{', '.join(over)}: for a training loop of your own, compare(train, …); a spec has them inside"], source
        )
    return None


def only_for_specs(**given: Any) -> None:
    """Raise ``SpecError`` where a loop of the user's own comes with what only specs have."""
    named = [name for name, value in given.items() if value is not None]
    if named:
        raise SpecError(
            [f"{', '.join(named)}: a loop of your own brings its data and models itself"], "droplab.compare"
        )


def as_spec(spec: Any, model: Any = None, data: Any = None) -> tuple[ExperimentSpec, str]:
    """The spec of the house's loop as it can be carried out, and what is to be said of it.

    Args:
        spec: as ``compare`` takes it.
        model: in the place of the spec's.
        data: in the place of the spec's.

    Raises:
        SpecError: it does not hold, or workers are asked for that could not find its objects.

    >>> as_spec({"seeds": 2})[0].seeds
    (0, 1)
    """
    arms_given = not isinstance(spec, Mapping) or "arms" in spec
    if spec is None:
        spec = demo()
    if isinstance(spec, (str, Path)):
        spec = read_spec(Path(spec))
    if not isinstance(spec, ExperimentSpec):
        assert isinstance(spec, Mapping)
        spec = parse_spec(spec)
    return _here(_with_objects(spec, model, data, arms_given=arms_given))


def _with_objects(spec: ExperimentSpec, model: Any, data: Any, *, arms_given: bool) -> ExperimentSpec:
    """The spec with another model or other data; their options stay. Arms that nobody gave are those of the model."""
    given = {"model": (spec.model, model), "data": (spec.data, data)}
    changes = {what: {**old.model_dump(), "name": new} for what, (old, new) in given.items() if new is not None}
    if not changes:
        return spec
    return parse_spec({**spec.model_dump(exclude=set() if arms_given else {"arms"}), **changes})


def _here(spec: ExperimentSpec) -> tuple[ExperimentSpec, str]:
    """The spec as it can be carried out, and what is to be said of it: objects of this process stay in it.

    Raises:
        SpecError: workers are asked for that could not find the objects.
    """
    local = [name for name in named_objects(spec).values() if is_local(name)]
    if not local or spec.compute.executor == "serial":
        return spec, ""
    names = " and ".join(local)
    if spec.compute.executor != "auto":
        problem = (
            f"compute.executor: {spec.compute.executor!r} needs what worker processes can import, and {names} is "
            "known to this process alone; put it into a module of its own, or leave the executor out"
        )
        raise SpecError([problem])
    compute = spec.compute.model_copy(update={"executor": "serial"})
    said = (
        f"one run at a time: {names} is known to this process alone; in a module of its own, runs could share the cores"
    )
    return spec.model_copy(update={"compute": compute}), said
