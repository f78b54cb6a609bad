"""Whether two specs are one experiment, however their arms are spelled, and what differs where they are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from droplab.errors import SpecError
from droplab.spec.enlarged import as_it_began, has_its_arms
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.order import reordered
from droplab.spec.specfile import parse_spec
from droplab.variants.asked import normal_form


def in_one_spelling(spec: ExperimentSpec) -> ExperimentSpec:
    """The spec with every kind in its normal form, as schedules have theirs in the spec itself.

    A spec keeps kinds as they were written, since ledgers of before are named by a hash of that.

    >>> def arm(kind):
    ...     return ExperimentSpec(arms=[{"name": "a", "p": 0.5, "kind": kind}])
    >>> in_one_spelling(arm({"name": "drop_path", "mode": "row"})).identity() == arm("drop_path").identity()
    True
    """
    return spec.model_copy(
        update={"arms": tuple(arm.model_copy(update={"kind": normal_form(arm.kind)}) for arm in spec.arms)}
    )


def is_same(design: Mapping[str, Any], spec: ExperimentSpec) -> bool:
    """Whether a ledger's design is of this spec: as it is written, in another spelling, or with more arms."""
    spec = as_it_began(design, spec)
    if reordered(design["spec"].get("arms", ()), spec.canonical()["arms"]):
        return False
    if design["identity"] == spec.identity():
        return True
    try:
        stored = parse_spec(design["spec"])
    except SpecError:  # it names what is not there any more
        return False
    return in_one_spelling(stored).identity() == in_one_spelling(spec).identity() or has_its_arms(design["spec"], spec)


def what_differs(before: Mapping[str, Any], spec: ExperimentSpec) -> list[str]:
    """``recipe.lr: 0.001 there, 0.01 here`` for each value of a stored spec that differs; seeds and compute may."""
    try:
        stored = in_one_spelling(parse_spec(before)).canonical()
    except SpecError:
        return list(_changes(before, spec.canonical()))
    now = in_one_spelling(spec).canonical()
    return [*_changes(stored, now), *reordered(stored["arms"], now["arms"])]


def _changes(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            if path or key not in {"seeds", "compute"}:
                yield from _changes(before.get(key), after.get(key), f"{path}.{key}".lstrip("."))
    elif before != after:
        yield f"{path}: {before!r} there, {after!r} here"
