"""Read a spec from TOML or from Python values; report every problem at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from droplab.errors import SpecError, clip, quote, suggest
from droplab.spec.arm import ArmSpec
from droplab.spec.changes import VARYING
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.tables import DataSpec, RecipeSpec

Spec = TypeVar("Spec", bound=BaseModel)


def read_spec(path: Path) -> ExperimentSpec:
    """The spec in a TOML file.

    Raises:
        SpecError: the file is missing or unreadable, is not TOML, or does not hold as a spec.
    """
    return parse_spec(read_table(path), str(path))


def read_table(path: Path) -> dict[str, Any]:
    """The values of a TOML file, unchecked.

    Raises:
        SpecError: the file is missing, unreadable, or not TOML.
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # Windows' Notepad writes a mark at the start
    except FileNotFoundError:
        raise SpecError(["there is no such file; `droplab init` writes a commented example"], str(path)) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise SpecError([f"it cannot be read: {problem}"], str(path)) from problem
    except tomllib.TOMLDecodeError as problem:
        raise SpecError([f"it is not TOML: {problem}"], str(path)) from problem
    except RecursionError:
        raise SpecError(["it is not TOML that can be read: its brackets are nested too deep"], str(path)) from None
    except ValueError as problem:  # a number of more than 4,300 digits
        raise SpecError([f"it cannot be read: {problem}"], str(path)) from problem


def parse_spec(values: Mapping[str, Any], source: str = "the spec") -> ExperimentSpec:
    """The spec that a mapping describes; see ``parse``.

    Raises:
        SpecError: with one line for each problem: its path, what arrived, what is wanted.

    >>> parse_spec({"recipe": {"epohcs": 3}})
    Traceback (most recent call last):
    ...
    droplab.errors.SpecError: the spec has 1 problem:
      - recipe.epohcs: unknown key; did you mean 'epochs'?
    """
    return parse(ExperimentSpec, values, source)


def parse(kind: type[Spec], values: Mapping[str, Any], source: str = "the spec") -> Spec:
    """A spec of some kind.

    Raises:
        SpecError: with one line for each problem.
    """
    try:
        return kind.model_validate(dict(values))
    except RecursionError:
        raise SpecError(["its tables are nested too deep"], source) from None
    except ValidationError as problem:
        lines = [line for error in problem.errors(include_url=False) for line in _lines(error, kind)]
        raise SpecError(list(dict.fromkeys(lines)), source) from None


def _lines(error: Any, kind: type[BaseModel]) -> list[str]:
    """One line, or several where a value has problems of its own inside (a schedule's parameters)."""
    cause = error.get("ctx", {}).get("error")
    if not isinstance(cause, SpecError):
        return [_line(error, kind)]
    path = _path(error["loc"])
    if not isinstance(
        error["input"], str | Mapping | BaseModel
    ):  # it is wrong as a whole: there is no table that has the key
        return [f"{path}: {problem.removeprefix('name: ')}" for problem in cause.problems]
    return [f"{path}.{problem}" for problem in cause.problems]


_SEEDS = "a number of seeds, or a list of them, is wanted: 5, or [0, 1, 2]"
_IN_WORDS = {
    ("seeds", "tuple_type"): _SEEDS,
    ("seeds", "too_short"): _SEEDS,
    ("compute", "model_type"): "a table is wanted, such as {'executor': 'process', 'workers': 2}",
}
"""By place and pydantic's type of error, where its own words would be about types."""


def _path(loc: Any) -> str:
    where = _keys(loc)
    return "".join(f"[{part}]" if isinstance(part, int) else f".{clip(str(part), 100)}" for part in where).lstrip(".")


def _line(error: Any, spec: type[BaseModel]) -> str:
    where = _keys(error["loc"])
    path = _path(error["loc"])
    got = error.get("input")
    kind = error["type"]
    if kind == "extra_forbidden":
        return f"{path}: unknown key{suggest(str(where[-1]), _fields_at(spec, where[:-1]))}"
    if kind == "literal_error":
        known = _literals_at(spec, where)
        return f"{path}: got {quote(got)}; known: {', '.join(known)}{suggest(str(got), known)}"
    if kind == "value_error":
        return f"{path}: {error['ctx']['error']}" if path else str(error["ctx"]["error"])
    if kind in {"greater_than_equal", "less_than_equal"} and ("p" in where or path == "p"):
        return f"{path}: got {quote(got)}; a drop rate p is a probability within [0, 1]"
    wanted = _IN_WORDS.get((path, kind))
    if wanted:
        return f"{path}: got {quote(got)}; {wanted}"
    message = error["msg"][0].lower() + error["msg"][1:]
    return f"{path}: {message}; got {quote(got)}"


def _keys(loc: Sequence[Any]) -> list[Any]:
    """A place without the branches of unions, which pydantic names as if they were keys (``float``, ``dict[str,…]``).

    What follows the branch ``sites`` is a site, whatever its name.

    >>> _keys(("arms", 0, "p", "sites", "rate")), _keys(("arms", 0, "p", "rate"))
    (['arms', 0, 'p', 'rate'], ['arms', 0, 'p'])
    """
    found, site = [], False
    for part in loc:
        if site or not _names_a_branch(part):
            found.append(part)
        site = not site and part == "sites"
    return found


def _names_a_branch(part: Any) -> bool:
    return isinstance(part, str) and (part in {"rate", "sites", "float", "int"} or part.startswith("function-"))


def _fields_at(spec: type[BaseModel], where: list[Any]) -> list[str]:
    model: Any = spec
    for part in where:
        if isinstance(part, str):
            model = _model_in(_annotation(model, part))
    return [*model.model_fields, *(VARYING if model is ArmSpec else ())]


def _annotation(model: Any, name: str) -> Any:
    """Of a key; those of the recipe and of the data that an arm changes may stand in the arm itself."""
    changed = (RecipeSpec, DataSpec) if model is ArmSpec else ()
    return next(table.model_fields[name] for table in (model, *changed) if name in table.model_fields).annotation


def _model_in(annotation: Any) -> type[BaseModel]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(_model_in(inner) for inner in get_args(annotation) if inner is not ...)


def _literals_at(spec: type[BaseModel], where: list[Any]) -> list[str]:
    *parents, name = [part for part in where if isinstance(part, str)]
    model: Any = spec
    for part in parents:
        model = _model_in(_annotation(model, part))
    found: list[str] = []
    pending = [_annotation(model, name)]
    while pending:
        for inner in get_args(pending.pop()):
            if isinstance(inner, str):
                found.append(inner)
            else:
                pending.append(inner)
    return found
