"""Which arm and which seed a run is: everything but the seed tells arms apart, or what the user names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from droplab.errors import UserError, quote, suggest
from droplab.foreign.runs import ForeignRun

_ARMS = ("arm", "arm.name")
"""Fields that tell arms apart where nothing is named; the second is what droplab's own sinks write."""
_PATH = "path"
"""What is left of a run's path without its seed (``runs.path_fields``)."""


def seed_of(run: ForeignRun, name: str) -> int:
    """A run's seed.

    Raises:
        UserError: it has none, or one that is no whole number.
    """
    found = _seed_field(run, name)
    value = run.fields[found]
    try:
        number = float(value)
        if number == int(number):
            return int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    raise UserError(f"the seed of {run.where} is {quote(value)}; a whole number is wanted (--seed names its field)")


def _seed_field(run: ForeignRun, name: str) -> str:
    """The field itself, or the only one whose last part is called so: ``training.seed``."""
    if name in run.fields:
        return name
    inner = [field for field in run.fields if field.rpartition(".")[2] == name]
    if len(inner) != 1:
        raise UserError(
            f"{run.where} has no field {quote(name)} for its seed; it has {_listed(run)}"
            f"{suggest(name, run.fields)}. --seed names the field, or a path such as …/seed-3 tells it"
        )
    return inner[0]


def arms_of(runs: Sequence[ForeignRun], wanted: str, seed: str) -> list[str]:
    """Each run's arm.

    Args:
        runs: all of them.
        wanted: fields that tell arms apart, separated by commas; where empty, ``arm``, or all fields that differ
            between runs and are no run's own, but for the seed.
        seed: the seed's field.

    Raises:
        UserError: a field that a run does not have.

    >>> made = [ForeignRun("", {"p": p, "seed": seed, "id": p + seed}) for p in (0.0, 0.5) for seed in (1, 2)]
    >>> arms_of(made, "", "seed")
    ['p=0.0', 'p=0.0', 'p=0.5', 'p=0.5']
    >>> arms_of(made, "p", "seed")
    ['0.0', '0.0', '0.5', '0.5']
    """
    if wanted:
        names = [name.strip() for name in wanted.split(",") if name.strip()]
        for run in runs:
            for name in names:
                if name not in run.fields:
                    raise UserError(
                        f"{run.where} has no field {quote(name)} for its arm; it has {_listed(run)}"
                        f"{suggest(name, run.fields)}"
                    )
        return [_name(run, names, bare=True) for run in runs]
    for name in _ARMS:
        if all(name in run.fields for run in runs):
            return [_name(run, [name]) for run in runs]
    return [_name(run, _differing(runs, seed)) for run in runs]


def _differing(runs: Sequence[ForeignRun], seed: str) -> list[str]:
    seeds = {_seed_field(run, seed) for run in runs}
    names = [name for name in dict.fromkeys(name for run in runs for name in run.fields) if name not in seeds]
    values = {name: [_text(run.fields.get(name)) for run in runs] for name in names}
    differing = [name for name in names if 1 < len(set(values[name])) < len(runs)]
    others = [name for name in differing if name != _PATH]
    told = {tuple(values[name][place] for name in others) for place in range(len(runs))}
    if _PATH in differing and len(told) < len(set(values[_PATH])):
        return [_PATH]  # settings do not tell what folders do
    return others


def _name(run: ForeignRun, names: Sequence[str], *, bare: bool = False) -> str:
    """The value of a field that was named, or what its values are called by."""
    if len(names) == 1 and (bare or names[0] in {*_ARMS, _PATH}):
        return _text(run.fields.get(names[0])) or "(none)"
    return ", ".join(f"{name}={_text(run.fields.get(name))}" for name in names) or "(all)"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _listed(run: ForeignRun) -> str:
    return ", ".join(list(run.fields)[:20]) or "none"
