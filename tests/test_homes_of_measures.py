"""No measure is called by its name outside the house's loop, its measures and the texts; everything else reads them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import droplab
from droplab.measures import PARTS
from droplab.records import CLASSIFICATION

SOURCE = Path(droplab.__file__).parent
WEB = SOURCE.parent.parent / "web" / "src"
NAMES = {name for measure in CLASSIFICATION for name in (measure.name, *(f"{part}_{measure.name}" for part in PARTS))}
HOMES = {
    "records.py": "the house's measures",
    "data/checking.py": "an example in a message",
    "execution/check/subject.py": "as above",
    "execution/final.py": "the house's loop on the test set",
    "foreign/measures.py": "names of others' measures that do not say which way is better",
    "report/samples.py": "a key of what is sent to the page",
    "schedules/adaptive_slope.py": "a schedule of the house's loop says what it reads",
    "tasks/base.py": "the figure that every task has",
    "tasks/classification.py": "says what it measures",
    "tasks/own.py": "a loss of the user's is called one in messages",
    "tasks/segmentation.py": "says what it measures",
    "tasks/next_token.py": "as above",
    "tasks/table.py": "a task's method",
    "testing/tasks.py": "asks every task for it",
    "spec/loop.py": "what a loop reports that names no measures",
    "spec/experiment.py": "a key of a task's table",
    "spec/task.py": "a key of a task's table",
    "training/evaluating.py": "an example in a message",
    "training/figures.py": "as above",
    "testing/sinks.py": "made-up figures",
    "testing/toys.py": "what its loops report",
}


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """Every text of a file that is no docstring, with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def named(path: Path) -> list[str]:
    words = r"(?<![\w-])(?:" + "|".join(map(re.escape, sorted(NAMES - {"loss"}, key=len, reverse=True))) + r")(?![\w-])"
    return [f"line {line}: {text}" for line, text in literals(path) if text in NAMES or re.search(words, text)]


def test_python_names_none():
    found = {str(path.relative_to(SOURCE)): lines for path in sorted(SOURCE.rglob("*.py")) if (lines := named(path))}
    assert {path: lines for path, lines in found.items() if path not in HOMES} == {}
    assert HOMES.keys() - found.keys() == set(), "a home that names none any more"


@pytest.mark.parametrize("name", sorted(NAMES - {"loss"}))  # a class of its style sheet: images that lost
def test_the_page_names_none(name):
    assert [path.name for path in WEB.glob("*.ts") if re.search(rf"[\"'`.]{name}[\"'`]", path.read_text("utf-8"))] == []
