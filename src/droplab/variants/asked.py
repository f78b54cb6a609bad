"""What an arm's ``kind`` asks for: names of kinds, with options, for all sites or by pattern. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from droplab.errors import SpecError, quote, quote_text, suggest
from droplab.variants.listed import Listed
from droplab.variants.table import TABLE


class Asked(NamedTuple):
    """A kind that is wanted somewhere."""

    pattern: str | None
    """Of sites; ``None`` is for all."""
    name: str
    """The kind's."""
    options: Mapping[str, Any]


def asked(kind: Any) -> tuple[Asked, ...]:
    """What an arm's ``kind`` says.

    Args:
        kind: a name of the catalog; a table with ``name`` and options; or a table from site patterns to such.
            ``None`` says nothing.

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
    known = in_arms()
    if name in known:
        return Asked(pattern, name, options), _problems(TABLE[name], options)
    why = "is not for sites of an arm" if name in TABLE else f"no kind {quote(name)}{suggest(name, known)}"
    return Asked(pattern, name, options), [f"name: {why} (there are {', '.join(known)})"]


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
