"""Files import one another without circles; the linter holds the same for rooms and folders."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import droplab

SOURCE = Path(droplab.__file__).parent


def modules(source: Path) -> dict[str, Path]:
    named = {".".join(path.relative_to(source.parent).with_suffix("").parts): path for path in source.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in named.items()}


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Files that a file imports anywhere: at its top, in a function, or for type checkers alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inner = [f"{node.module}.{name.name}" for name in node.names]
            yield from (name if name in known else node.module for name in inner)


def check(source: Path) -> None:
    known = modules(source)
    TopologicalSorter({name: set(imported(path, known)) for name, path in known.items()}).prepare()


def test_no_circles_between_files():
    assert len(modules(SOURCE)) > 200
    check(SOURCE)


def test_a_circle_is_seen(tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    (room / "__init__.py").write_text("from room.a import A\n")
    (room / "a.py").write_text("def late():\n    from room import b\n")
    (room / "b.py").write_text("import sys\nfrom room.a import A\n")
    with pytest.raises(CycleError, match=r"room\.a.*room\.b"):
        check(room)
