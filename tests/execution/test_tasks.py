"""What the page on tasks shows, and what a spec with a task does: trained, continued, judged, tested."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

import droplab

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"
BLOCKS = re.findall(r"```(python|toml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
NAMED = {match[1]: text for _, text in BLOCKS if (match := re.match(r"# (\w+\.(?:py|toml))\n", text))}
SPECS = sorted(name for name in NAMED if name.endswith(".toml"))
SMALL = {
    "recipe": {"epochs": 2, "batch_size": 16, "precision": "float32"},
    "compute": {"executor": "serial", "threads": 1},
}


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The page's files in an empty folder, and what its snippets write."""
    for name, text in NAMED.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for _, text in BLOCKS:
        if "open(" in text and not text.startswith("# "):
            exec(compile(text, "page", "exec"), {})
    return tmp_path


def small(name, **changes):
    spec = tomllib.loads(NAMED[name])
    spec["recipe"] = {**spec.get("recipe", {}), **SMALL["recipe"]}
    return {**spec, "compute": SMALL["compute"], "seeds": 1, **changes}


@pytest.mark.parametrize("name", SPECS)
def test_each_of_the_pages_problems(name, page):
    results = droplab.compare(small(name), out=page / "out")
    assert {run.state for run in results.record.runs.values()} == {"done"}
    measured = [measure.name for measure in results.record.measures]
    for run in results.record.runs.values():
        assert {f"{part}_{measure}" for part in ("fit", "val") for measure in measured} <= set(run.metrics)
    codes = {notice.code for notice in results.record.notices}
    assert "guessing" in codes
    assert results.text("en")
    assert results.text("ja")
    last = list(results.record.arms)[-1]
    assert results.model(last, 0).training is False


def test_it_is_thirty_lines_at_most():
    for name in SPECS:
        spec = tomllib.loads(NAMED[name])
        module = spec["data"]["name"].partition(":")[0] + ".py"
        assert len((NAMED[name] + NAMED.get(module, "")).splitlines()) <= 35, name
