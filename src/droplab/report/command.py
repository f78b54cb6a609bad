"""The command that repeats an experiment, and its spec as TOML."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from droplab.errors import UserError
from droplab.records import ELSEWHERE, ExperimentRecord

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def command(record: ExperimentRecord) -> str:
    """What to type; empty where no command line can say it (loops in a notebook, runs recorded elsewhere).

    Experiments of a built-in set are named by it; all others by a file that holds their spec (``toml``).
    """
    spec = record.spec
    if ELSEWHERE in spec:
        return ""
    if "loop" in spec:
        named = re.fullmatch(r"[\w.]+:[\w.]+", str(spec["loop"]))
        return f"droplab compare {shlex.quote(_file(record))}" if named else ""
    from droplab.spec.presets import SETS, arm_set, demo  # with pydantic, which a verdict in words need not wait for

    seeds = len(record.seeds) if record.seeds == tuple(range(len(record.seeds))) else None
    for arguments, values in (("", demo()), *((f" --set {name}", arm_set(name)) for name in SETS)):
        if seeds is not None and _same({**values, "seeds": seeds}, spec):
            return f"droplab compare{arguments}" + ("" if seeds == values["seeds"] else f" --seeds {seeds}")
    return f"droplab compare {shlex.quote(_file(record))}"


def _file(record: ExperimentRecord) -> str:
    return re.sub(r"[^\w.-]+", "-", record.name).strip("-.") + ".toml"


def _same(values: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Whether two specs train the same; where and how fast is no matter."""
    from droplab.spec import parse_spec

    try:
        ours = parse_spec(dict(values), "a set").canonical()
    except UserError:
        return False
    return all(ours.get(key) == spec.get(key) for key in (ours.keys() | spec.keys()) - {"compute", "name"})


def toml(spec: Mapping[str, Any]) -> str:
    """A spec as TOML; what is ``None`` is left out, as an absent key means the same.

    >>> print(toml({"name": "a", "recipe": {"lr": 0.1, "max_norm": None}, "arms": [{"name": "b", "p": {"c*": 0.5}}]}))
    name = "a"
    <BLANKLINE>
    [recipe]
    lr = 0.1
    <BLANKLINE>
    [[arms]]
    name = "b"
    p = {"c*" = 0.5}
    """
    plain = {key: value for key, value in spec.items() if not _is_table(value) and not _are_tables(value)}
    lines = _pairs(plain)
    for key, value in spec.items():
        if _is_table(value) and value:
            lines += ["", f"[{_key(key)}]", *_pairs(value)]
        if _are_tables(value):
            for table in value:
                lines += ["", f"[[{_key(key)}]]", *_pairs(_with_words(table))]
    return "\n".join(lines)


def _with_words(arm: Mapping[str, Any]) -> Mapping[str, Any]:
    """An arm whose recipe takes something away says so in words."""
    changes = arm.get("recipe")
    if not changes or not _is_table(changes):
        return arm
    from droplab.spec.changes import NOTHING

    return {**arm, "recipe": {key: NOTHING.get(key) if value is None else value for key, value in changes.items()}}


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _are_tables(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(map(_is_table, value))


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_value(value)}" for key, value in table.items() if value is not None]


def _key(key: str) -> str:
    return key if _BARE.match(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(_pairs(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value if item is not None) + "]"
    return _text(str(value))


def _text(text: str) -> str:
    """A basic string; JSON's escapes are TOML's, but for DEL, which JSON leaves."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
