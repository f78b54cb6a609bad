"""The changes that docs/frameworks shows are made and run: the script before, after, and under ``droplab launch``."""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys
from pathlib import Path

import pytest

import droplab
from droplab.adapters.script import run as run_of_script
from droplab.cli import main
from droplab.results import Results

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^## ([^\n]+)\n(?:(?!^## ).)*?```diff\n(.*?)```", re.DOTALL | re.MULTILINE)
WANTS = {"Accelerate": "accelerate", "Trainer": "transformers", "LightningModule": "pytorch_lightning"}


def diffs(page):
    return {head: text.splitlines() for head, text in BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))}


def framework(head):
    return next((library for word, library in WANTS.items() if word in head), "")


def test_both_languages_show_the_same_changes_and_few():
    english, japanese = diffs("frameworks.md"), diffs("frameworks.ja.md")
    assert list(english.values()) == list(japanese.values())
    assert {framework(head) for head in english} == {"", *WANTS.values()}
    for lines in english.values():
        assert {line[0] for line in lines} == {" ", "+", "-"}
        assert sum(line[0] in "+-" for line in lines) <= 15


@pytest.mark.filterwarnings("default")  # theirs
@pytest.mark.parametrize(
    "head",
    [pytest.param(head, marks=pytest.mark.frameworks if framework(head) else ()) for head in diffs("frameworks.md")],
)
def test_the_script_runs_as_it_was_as_changed_and_launched(head, tmp_path, monkeypatch, capsys):
    library = framework(head)
    if library and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed (make test-all)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(droplab.__file__).parents[1]))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    lines = diffs("frameworks.md")[head]
    script = tmp_path / "train.py"
    run_of_script.cache_clear()
    for sign in "-+":
        script.write_text("\n".join(line[1:] for line in lines if line[0] in {" ", sign}), encoding="utf-8")
        runpy.run_path(str(script), run_name="__main__")
    run_of_script.cache_clear()
    if head.startswith("My script"):  # frameworks have logs of their own
        assert "epoch 2/3: val_loss " in capsys.readouterr().out
    main(
        ["launch", "--arms", "0.5", "--seeds", "1", "--threads", "1", "--out", "out", "--", sys.executable, "train.py"]
    )
    record = Results.read("out").record
    (run,) = record.runs.values()
    assert run.state == "done", run.reason
    assert {values[-1] for name, values in run.metrics.items() if name.startswith("p/")} == {0.5}
    assert len(run.metrics["val_loss"]) == record.epochs
    assert not {notice.code for notice in record.notices} & {"keyed_by_place", "no_steps"}
