"""What droplab says in English: every text of its source that a command may show, with its fields numbered."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path

import droplab
from droplab import errors

ROOT = Path(droplab.__file__).parent
_ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)} | {"ValueError", "TypeError"}
_LINES = {"say", "tell", "warn"}
"""Functions that show their text."""
_ADDS = {"append", "extend"}
_LISTS = {"problem", "problems", "wrong", "complaints", "found_problems", "why"}
"""Names of what is gathered into one error."""
_OURS_ALONE = {"AttributeError", "NotImplementedError", "AssertionError"}
"""Mistakes in code, which are no answers to a command."""
SILENT = {"testing"}
"""Rooms whose errors no command meets: contracts for tests of others."""
_SPOKEN = 12
"""Letters from which on what has a name is taken for a text and not for a shape or a unit."""

Names = Mapping[str, list[ast.expr]]
"""What was assigned to names that are seen from a place."""


def template(node: ast.AST) -> str | None:
    """A string of the source with its fields as ``{0}``, ``{1}``."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    parts, fields = [], 0
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts.append(str(value.value))
        else:
            parts.append(f"{{{fields}}}")
            fields += 1
    return "".join(parts)


def in_format(text: str) -> str:
    """A text for ``str.format`` with its fields numbered."""
    place = count()
    return re.sub(r"\{[a-z_]*\}", lambda _: f"{{{next(place)}}}", text)


def _strings(node: ast.AST, names: Names) -> Iterator[str]:
    if isinstance(node, ast.Compare):
        return
    text = template(node)
    if text is None:
        yield from _within(node, names)
        return
    if " " in text.strip() and any(map(str.isalpha, text.replace("{", " ").replace("}", " "))):
        yield text
    if isinstance(node, ast.JoinedStr):
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                yield from _strings(value.value, names)


def _within(node: ast.AST, names: Names) -> Iterator[str]:
    """Texts of an expression that is none itself: its parts', and those that names in it stand for."""
    if isinstance(node, ast.Name):
        yield from _named_texts(names, node.id)
        return
    parts = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        yield from _named_texts(names, node.value.id, tables=True)
        parts = [node.slice]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        yield from map(in_format, _strings(node.func.value, names))
        parts = [*node.args, *node.keywords]
    for part in parts:
        yield from _strings(part, names)


def _named_texts(names: Names, name: str, *, tables: bool = False) -> Iterator[str]:
    """Those that a name stands for; of a table of texts, what is looked up in it."""
    if name not in names:
        return
    others = {other: values for other, values in names.items() if other != name}
    for value in names[name]:
        table = value.values if tables and isinstance(value, ast.Dict) else ()
        for one in table if isinstance(value, ast.Dict) else (value,):
            yield from (text for text in _strings(one, others) if sum(map(str.isalpha, text)) >= _SPOKEN)


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """What names are given, and what lists of theirs get."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                found.setdefault(_named(target), []).append(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ADDS:
            found.setdefault(_named(node.func.value), []).extend(node.args)
    return found


def _seen(node: ast.AST, names: Names) -> Iterator[tuple[ast.AST, Names]]:
    """Every node with the names that it sees: its module's, what that imports, and its functions' own."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        names = {**names, **_assigned(ast.walk(node))}
    yield node, names
    for child in ast.iter_child_nodes(node):
        yield from _seen(child, names)


def _named(node: ast.AST) -> str:
    return getattr(node, "id", None) or getattr(node, "attr", None) or ""


def _said(node: ast.AST) -> Iterator[ast.AST]:
    """Expressions whose strings are shown."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _named(node.exc.func) not in _OURS_ALONE:
        yield from node.exc.args
    if isinstance(node, ast.Call):
        name = _named(node.func)
        gathered = name in _ADDS and _named(getattr(node.func, "value", node)) in _LISTS
        if name in _ERRORS or name in _LINES or gathered:
            yield from node.args
            yield from (keyword.value for keyword in node.keywords)
    if isinstance(node, ast.AugAssign) and _named(node.target) in _LISTS:
        yield node.value
    if isinstance(node, ast.Assign) and any(_named(target) in _LISTS for target in node.targets):
        yield node.value


def _imported(tree: ast.Module, constants: Mapping[str, Names]) -> Names:
    return {
        name.asname or name.name: constants[node.module][name.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in constants
        for name in node.names
        if name.name in constants[node.module]
    }


def texts() -> dict[str, list[str]]:
    """By room, each once; also what stands in constants and variables that are raised."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))}
    constants = {
        ".".join((ROOT.name, *path.relative_to(ROOT).with_suffix("").parts)): _assigned(tree.body)
        for path, tree in trees.items()
    }
    found: dict[str, list[str]] = {}
    told: set[str] = set()
    for path, tree in trees.items():
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] in SILENT:
            continue
        own = {**_imported(tree, constants), **constants[".".join((ROOT.name, *parts))]}
        for node, names in _seen(tree, own):
            for said in _said(node):
                for text in _strings(said, names):
                    if text not in told:
                        told.add(text)
                        found.setdefault(parts[0], []).append(text)
    return found
