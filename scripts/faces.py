"""Write what lists the kinds of dropout, from their own files: nn.py, functional.py, variants/table.py and rows.json.

python scripts/faces.py           # write
python scripts/faces.py --check   # exit 1 where what is there differs

A family's ``__all__`` says which of its layers and functions are public, its ``KINDS`` are its rows. Families stay in
the order of the table; a new one comes last.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from writer import ROOT, write

from droplab.variants.kind import Kind
from droplab.variants.listed import Listed
from droplab.variants.options import Limit

SOURCE = ROOT / "src" / "droplab"
TABLE = SOURCE / "variants" / "table.py"
WIDTH = 120
TOLD = ("equation", "shares", "eval_law", "paper", "deviations", "has_parameters", "model")
BY = "Written by ``scripts/faces.py``"

NN = "Layers that drop. Same names, arguments and behaviour as torch's; one family per file of ``variants/``."
NN_OWN = {
    "droplab.layers.identities": ["keyed_layers"],
    "droplab.layers.keyed": ["keyed"],
    "droplab.layers.layer": ["DropLayer", "penalty"],
}
FUNCTIONAL = "Stateless dropout: autograd, validation, ``p = 0`` and ``p = 1``; no mask is kept for the backward pass."
FUNCTIONAL_OWN = {"droplab.masks.drop": ["drop"], "droplab.masks.key": ["Key"]}
HEAD = f'''"""Every kind of dropout by name, without torch: what the check of a spec needs to know.

{BY} from the rows in the kinds' own files.
"""

from __future__ import annotations

from collections.abc import Mapping

'''


def families() -> list[ModuleType]:
    """Modules that have kinds; those of the table first, in its order."""
    known = list(dict.fromkeys(re.findall(r"\"(droplab\.variants\.\w+)\"", TABLE.read_text(encoding="utf-8"))))
    homes = [
        f"droplab.variants.{path.stem}"
        for path in sorted((SOURCE / "variants").glob("*.py"))
        if re.search(r"^KINDS\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    return [import_module(home) for home in sorted(homes, key=[*known, *homes].index)]


def face(about: str, own: Mapping[str, list[str]], found: Mapping[str, list[str]]) -> str:
    """A module that only hands on names."""
    homes = {home: names for home, names in sorted({**own, **found}.items()) if names}
    every = (name for names in homes.values() for name in names)
    lines = [_import(home, names) for home, names in homes.items()]
    names = [f'    "{name}",' for name in sorted(every, key=lambda name: (name[0].islower(), name))]
    return "\n".join([f'"""{about}', "", f"{BY}.", '"""', "", *lines, "", "__all__ = [", *names, "]", ""])


def public(family: ModuleType, *, layers: bool) -> list[str]:
    """A family's public layers, or functions."""
    return [name for name in family.__all__ if isinstance(getattr(family, name), type) is layers]


def table(found: Iterable[ModuleType]) -> str:
    """The table of kinds."""
    rows = [(family.__name__, kind) for family in found for kind in family.KINDS]
    names = [kind.name for _, kind in rows]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SystemExit(f"two kinds have one name: {', '.join(twice)}")
    laws = sorted({type(limit).__name__ for _, kind in rows for limit in kind.limits})
    imports = [_import("droplab.variants.listed", ["Listed"]), _import("droplab.variants.options", laws)]
    lines = ["_ROWS = (", *(line for home, kind in rows for line in _row(home, kind)), ")", ""]
    last = ["TABLE: Mapping[str, Listed] = {row.name: row for row in _ROWS}", '"""Every kind by its name."""', ""]
    return HEAD + "\n".join([*imports, "", *lines, *last])


def told_rows(found: Iterable[ModuleType]) -> str:
    """What the rows say to people, as JSON."""
    kinds = [kind for family in found for kind in family.KINDS]
    rows = {
        kind.name: {
            **{field: getattr(kind, field) for field in TOLD},
            "site": kind.site or ("fc1" if kind.adopts else "fc1:in"),
        }
        for kind in kinds
    }
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def _row(home: str, kind: Kind) -> list[str]:
    layer: Any = kind.layer
    values = Listed(
        kind.name,
        home,
        layer.__name__,
        in_arms=kind.in_arms,
        adopts=tuple(twin.__name__ for twin in kind.adopts),
        options=kind.options,
        limits=kind.limits,
    )
    first = ", ".join(map(_shown, values[:3]))
    plain = Listed(*values[:3])._asdict()
    more = {key: value for key, value in values._asdict().items() if value != plain[key]}
    if not more:
        return [f"    Listed({first}),"]
    lines = [*(f"{_shown(value)}," for value in values[:3]), *(line for item in more.items() for line in _field(*item))]
    return ["    Listed(", *(f"        {line}" for line in lines), "    ),"]


def _field(key: str, value: Any) -> list[str]:
    line = f"{key}={_shown(value)},"
    if len(line) + 8 <= WIDTH:
        return [line]
    return [f"{key}=(", *(f"    {_shown(item)}," for item in value), "),"]


def _shown(value: Any) -> str:
    """A value as the formatter would have it."""
    if isinstance(value, str):
        plain = repr(value)[1:-1]
        return repr(value) if '"' in plain else f'"{plain}"'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_shown(key)}: {_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))}{',' if len(value) == 1 else ''})"
    return _limit(value) if isinstance(value, Limit) else repr(value)


def _limit(limit: Limit) -> str:
    values = {field: getattr(limit, field.name) for field in fields(limit)}
    given = [_shown(value) for field, value in values.items() if field.default is MISSING]
    given += [
        f"{field.name}={_shown(value)}"
        for field, value in values.items()
        if field.default is not MISSING and value != field.default
    ]
    return f"{type(limit).__name__}({', '.join(given)})"


def _import(home: str, names: Iterable[str]) -> str:
    ordered = sorted(names, key=lambda name: (name[0].islower(), name.lower()))
    line = f"from {home} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {home} import (", *(f"    {name}," for name in ordered), ")"])


def files() -> dict[Path, str]:
    """Everything that the families decide."""
    found = families()
    layers = {family.__name__: public(family, layers=True) for family in found}
    functions = {family.__name__: public(family, layers=False) for family in found}
    return {
        SOURCE / "nn.py": face(NN, NN_OWN, layers),
        SOURCE / "functional.py": face(FUNCTIONAL, FUNCTIONAL_OWN, functions),
        TABLE: table(found),
        TABLE.with_name("rows.json"): told_rows(found),
    }


if __name__ == "__main__":
    sys.exit(write(__doc__, files()))
