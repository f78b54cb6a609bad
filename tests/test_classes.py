"""A class is abstract or final: within droplab, none that can be used itself is subclassed.

Users may subclass what they like; ``droplab.nn.Dropout``, as torch's.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

import pytest

import droplab

SOURCE = Path(droplab.__file__).parent
TREES = ("droplab.errors",)
"""Modules of exceptions, which are caught at any height of their tree."""
BASES = {
    "Listener": "does nothing by itself",
    "Described": "parameters that are no schedule yet",
    "FromTo": "as above: two ends without a way between them",
    "GapControl": "as above: limits on a gap that nothing measures",
    "KindUnderTest": "a contract is filled in by a class of tests",
    "TransformContract": "as above",
    "LivingContract": "as above",
}
"""What nothing is made of, though no method says so."""


class Found(NamedTuple):
    node: ast.ClassDef
    bases: tuple[str, ...]


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return dotted(node.value)
    if isinstance(node, ast.Call):
        return dotted(node.func)
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


TREE = {module_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
NAMES = {
    module: {
        (alias.asname or alias.name): f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for module, tree in TREE.items()
}
"""What names that a module imports stand for."""


def home(name: str, module: str) -> str:
    """Where a class was written that a module calls by a name, through all doors that hand it on."""
    first, _, rest = name.partition(".")
    there = NAMES[module].get(first)
    if there is None:
        return f"{module}.{name}"
    found = f"{there}.{rest}" if rest else there
    where, _, last = found.rpartition(".")
    return home(last, where) if last in NAMES.get(where, {}) else found


CLASSES = {
    f"{module}.{node.name}": Found(node, tuple(home(dotted(base), module) for base in node.bases))
    for module, tree in TREE.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.ClassDef)
}
SUBCLASSED = sorted(
    {base for found in CLASSES.values() for base in found.bases if base in CLASSES and not base.startswith(TREES)}
)


def is_abstract(name: str) -> bool:
    node, bases = CLASSES[name]
    return (
        node.name.startswith("_")
        or node.name in BASES
        or bool({"ABC", "Protocol"} & {base.rpartition(".")[2] for base in bases})
        or (ast.get_docstring(node) or "").startswith("Base of ")
        or "NotImplementedError" in {dotted(part.exc) for part in ast.walk(node) if isinstance(part, ast.Raise)}
    )


def test_excuses_are_for_what_is_subclassed():
    assert {"DropLayer", *BASES} <= {CLASSES[name].node.name for name in SUBCLASSED}


@pytest.mark.parametrize("name", SUBCLASSED)
def test_only_abstract_classes_are_subclassed(name):
    assert is_abstract(name)
