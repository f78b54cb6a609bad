from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import droplab

SOURCE = Path(droplab.__file__).parent


@pytest.mark.parametrize("name", [name for name in droplab.__all__ if name != "__version__"])
def test_public_names_are_there_and_documented(name):
    thing = getattr(droplab, name)
    assert inspect.getdoc(thing), name


def test_the_list_is_whole():
    assert sorted(droplab.__all__) == droplab.__all__
    assert set(droplab._HOMES) | {"__version__"} == set(droplab.__all__)
    with pytest.raises(AttributeError, match="no attribute 'comapre'"):
        droplab.comapre  # noqa: B018


def test_checkers_are_told_the_same_names():
    tree = ast.parse(Path(droplab.__file__).read_text(encoding="utf-8"))
    told = {
        alias.asname: node.module.split(".")[1]
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        for alias in node.names
    }
    assert told == droplab._HOMES


def test_import_is_light():
    subprocess.run([sys.executable, "-c", "import droplab, sys; assert 'torch' not in sys.modules"], check=True)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE)))
def test_public_code_has_docstrings(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module"
    public = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and node in tree.body)
    ]
    for node in public:
        if not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
