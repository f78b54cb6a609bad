"""What droplab says in English: every text of its source that a command may show, with its fields numbered."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import droplab
from droplab import errors

ROOT = Path(droplab.__file__).parent
_ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)} | {"ValueError", "TypeError"}
_LINES = {"say", "warn"}
"""Functions that show their text."""
_LISTS = {"problem", "problems", "wrong", "complaints", "found_problems", "why"}
"""Names of what is gathered into one error."""
_OURS_ALONE = {"AttributeError", "NotImplementedError", "AssertionError"}
"""Mistakes in code, which are no answers to a command."""
SILENT = {"testing"}
"""Rooms whose errors no command meets: contracts for tests of others."""


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


def _strings(node: ast.AST) -> Iterator[str]:
    text = template(node)
    if text is None:
        for child in ast.iter_child_nodes(node):
            yield from _strings(child)
        return
    if " " in text.strip() and any(map(str.isalpha, text.replace("{", " ").replace("}", " "))):
        yield text
    if isinstance(node, ast.JoinedStr):
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                yield from _strings(value.value)


def _named(node: ast.AST) -> str:
    return getattr(node, "id", None) or getattr(node, "attr", None) or ""


def _said(node: ast.AST) -> Iterator[ast.AST]:
    """Expressions whose strings are shown."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _named(node.exc.func) not in _OURS_ALONE:
        yield from node.exc.args
    if isinstance(node, ast.Call):
        name = _named(node.func)
        gathered = name in {"append", "extend"} and _named(getattr(node.func, "value", node)) in _LISTS
        if name in _ERRORS or name in _LINES or gathered:
            yield from node.args
            yield from (keyword.value for keyword in node.keywords)
    if isinstance(node, ast.AugAssign) and _named(node.target) in _LISTS:
        yield node.value
    if isinstance(node, ast.Assign) and any(_named(target) in _LISTS for target in node.targets):
        yield node.value


def texts() -> dict[str, list[str]]:
    """By room, each once."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for path in sorted(ROOT.rglob("*.py")):
        room = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if room in SILENT:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for said in _said(node):
                for text in _strings(said):
                    if text not in seen:
                        seen.add(text)
                        found.setdefault(room, []).append(text)
    return found
