"""What an arm's ``kind`` asks for: names of kinds, with options, for all sites or by pattern.

No torch, unless it names a kind of the user's own, whose class loads what it loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from droplab.errors import SpecError, UserError, quote, quote_text, suggest
from droplab.given import name_of
from droplab.userobjects import is_object
from droplab.variants.listed import Listed
from droplab.variants.table import TABLE


class Asked(NamedTuple):
    """A kind that is wanted somewhere."""

    pattern: str | None
    """Of sites; ``None`` is for all."""
    name: str
    """The kind's; of one of the user's own ``pkg.module:Class``."""
    options: Mapping[str, Any]


def asked(kind: Any) -> tuple[Asked, ...]:
    """What an arm's ``kind`` says.

    Args:
        kind: a name of the catalog, ``pkg.module:Class`` or a class; a table with such a ``name`` and options; or a
            table from site patterns to such. ``None`` says nothing.

    Raises:
        SpecError: an unknown name or option, or options that do not hold; all problems at once.

    >>> asked({"fc1:in": {"name": "drop_path", "mode": "batch"}})
    (Asked(pattern='fc1:in', name='drop_path', options={'mode': 'batch'}),)
    >>> asked("dropuot")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    droplab.errors.SpecError: the kind has 1 problem:
      - name: no kind 'dropuot'; did you mean 'dropout'? (there are dropout, ...
    """
    if kind is None:
        return ()
    kind = by_name(kind)
    if not isinstance(kind, Mapping) or isinstance(kind.get("name"), str):
        one, problems = _asked(None, kind)
        found = [one]
    else:
        found, problems = [], [] if kind else ["name: got an empty table; a name, or site patterns, is wanted"]
        for pattern, inner in kind.items():
            one, wrong = _asked(str(pattern), inner)
            problems += [f"{pattern}.{line}" for line in wrong]
            found.append(one)
    if problems:
        raise SpecError(problems, "the kind")
    return tuple(found)


def by_name(kind: Any) -> Any:
    """An arm's ``kind`` with names in the places of classes.

    >>> from droplab.nn import DropPath
    >>> by_name({"fc1:in": DropPath, "drop*": "dropout"})
    {'fc1:in': 'drop_path', 'drop*': 'dropout'}
    """
    if isinstance(kind, type):
        home = kind.__module__, kind.__qualname__
        return next((row.name for row in TABLE.values() if (row.home, row.layer) == home), None) or name_of(kind)
    if isinstance(kind, Mapping):
        return {key: by_name(item) if key == "name" or not _options(kind) else item for key, item in kind.items()}
    return kind


def normal_form(kind: Any) -> Any:
    """An arm's ``kind`` in one spelling: options only where they are not the default, a name alone where none is left.

    Raises:
        SpecError: as ``asked``.

    >>> normal_form({"name": "drop_path", "mode": "row"}), normal_form({"name": "drop_path", "mode": "batch"})
    ('drop_path', {'name': 'drop_path', 'mode': 'batch'})
    """
    forms = {one.pattern: _normal(one) for one in asked(kind)}
    return forms.get(None, forms or None)


def in_arms() -> tuple[str, ...]:
    """Names that an arm may give.

    >>> "dropout" in in_arms()
    True
    """
    return tuple(name for name, row in TABLE.items() if row.in_arms)


def _asked(pattern: str | None, value: Any) -> tuple[Asked, list[str]]:
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        problem = f"name: got {quote(value)}; a kind's name, or a table with `name` and options, is wanted"
        return Asked(pattern, "", {}), [problem]
    name, options = value["name"], {str(key): item for key, item in value.items() if key != "name"}
    if is_object(name):
        return _own(pattern, name, options)
    known = in_arms()
    if name in known:
        return Asked(pattern, name, options), _problems(TABLE[name], options)
    why = "is not for sites of an arm" if name in TABLE else f"no kind {quote(name)}{suggest(name, known)}"
    return Asked(pattern, name, options), [f"name: {why} (there are {', '.join(known)})"]


def _own(pattern: str | None, name: str, options: Mapping[str, Any]) -> tuple[Asked, list[str]]:
    from droplab.variants.own import missing, own_kind, refusal

    try:
        kind = own_kind(name)
    except UserError as problem:
        return Asked(pattern, name, options), [f"name: {problem}"]
    if kind.name in TABLE:
        return _asked(pattern, {"name": kind.name, **options})
    problems = _problems(Listed(name, "", "", options=kind.options), options)
    problems += [f"{option}: {name} needs this option" for option in missing(kind) if option not in options]
    if not problems and (said := refusal(kind, options)):
        problems = [f"name: {name} refuses what it is given: {said}"]
    return Asked(pattern, kind.name, options), problems


def _options(kind: Mapping[Any, Any]) -> bool:
    """Whether a table is of one kind with its options, and not of site patterns."""
    return isinstance(kind.get("name"), str | type)


def _normal(one: Asked) -> Any:
    if one.name in TABLE:
        defaults = TABLE[one.name].options
    else:
        from droplab.variants.own import own_kind

        defaults = own_kind(one.name).options
    own = {key: _like(item, defaults[key]) for key, item in one.options.items()}
    own = {key: item for key, item in own.items() if item != defaults[key]}
    return {"name": one.name, **own} if own else one.name


def _like(item: Any, default: Any) -> Any:
    """A whole number as the float that it stands for, where the option takes more than whole ones."""
    whole = isinstance(item, int) and not isinstance(item, bool)
    return float(item) if whole and (default is None or isinstance(default, float)) else item


def _problems(row: Listed, options: Mapping[str, Any]) -> list[str]:
    """All that is wrong with a kind's options: names, then types, then values."""
    allowed = row.options
    problems = [
        f"{key}: {row.name} has no such option{suggest(key, allowed)} (it has {', '.join(allowed) or 'none'})"
        for key in options
        if key not in allowed
    ]
    problems += [
        f"{key}: got {quote(item)}; {wanted} is wanted, as the default, {allowed[key]!r}, is"
        for key, item in options.items()
        if key in allowed and (wanted := _other_type(item, allowed[key]))
    ]
    return problems or [f"{row.name}: {text}" for text in _refusals(row, options)]


def _refusals(row: Listed, options: Mapping[str, Any]) -> list[str]:
    said = []
    for limit in row.limits:
        value = options.get(limit.option)
        if limit.option not in options or (value is None and row.options[limit.option] is None):
            continue
        try:
            limit.check(value, row.layer)
        except ValueError as problem:  # also of a number too long to be shown
            said.append(quote_text(problem))
    return said


def _other_type(item: Any, default: Any) -> str:
    """What an option wants instead, if its default is a plain value of another type."""
    if isinstance(default, bool):
        return "" if isinstance(item, bool) else "true or false"
    if isinstance(default, str):
        return "" if isinstance(item, str) else "a string"
    if isinstance(default, int) and (isinstance(item, bool) or not isinstance(item, int)):
        return "a whole number"
    if isinstance(default, float) and (isinstance(item, bool) or not isinstance(item, (int, float))):
        return "a number"
    return ""
