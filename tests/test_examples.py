"""The examples run, are short, and change as little as they say."""

import runpy
from pathlib import Path

import pytest

import droplab

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs_to_its_verdict(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    runpy.run_path(str(path), run_name="__main__")
    assert "Does" in capsys.readouterr().out
    (folder,) = Path("droplab-runs").iterdir()
    record = droplab.Results.read(folder).record
    assert {run.state for run in record.runs.values()} == {"done"}, [run.reason for run in record.runs.values()]
    assert not record.notices


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


def test_five_lines_of_the_tutorial_changed():
    text = (EXAMPLES[0].parent / "tutorial.py").read_text(encoding="utf-8")
    assert text.count("# changed: ") == 5
    assert sum("run." in line or "run)" in line for line in text.splitlines() if "wandb" not in line) == 5
