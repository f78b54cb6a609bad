"""The examples run, are short, and change as little as they say."""

import json
import re
import runpy
from pathlib import Path

import pytest

import droplab
from tests.cells import Notebook

NOTICES = {"gpt": {"left_as_written"}}
"""What is noticed of examples: an arm of the GPT's names one of its sites."""
NOTEBOOK_NOTICES: set[str] = set()
EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs_to_its_verdict(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    runpy.run_path(str(path), run_name="__main__")
    assert re.search(r"[Ii]s it better than \"", capsys.readouterr().out)
    (folder,) = Path("droplab-runs").iterdir()
    record = droplab.Results.read(folder).record
    assert {run.state for run in record.runs.values()} == {"done"}, [run.reason for run in record.runs.values()]
    assert {notice.code for notice in record.notices} == NOTICES.get(path.stem, set())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


NOTEBOOK = EXAMPLES[0].parent / "study.ipynb"


@pytest.mark.usefixtures("one_thread")
def test_the_notebooks_cells_continue_when_they_are_executed_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    cell = Notebook()
    for _ in range(2):
        for one in cells:
            space = cell("".join(one["source"]))
    record = space["study"].results.record
    assert [run.state for run in record.runs.values()] == ["done"] * 9
    assert {notice.code for notice in record.notices} == NOTEBOOK_NOTICES
    assert all(run.epochs_done == 10 for run in record.runs.values())
    assert record.name in "".join(cells[2]["outputs"][0]["text"])
    assert all(one["execution_count"] for one in cells)


@pytest.mark.prove  # in this process it runs in the suite
def test_the_notebook_runs_in_a_kernel(tmp_path, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(NOTEBOOK, 4)
    told = notebook.cells[3].outputs[0].text
    nbclient.NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert notebook.cells[3].outputs[0].text.splitlines()[0] == told.splitlines()[0]
    (folder,) = (tmp_path / "droplab-runs").iterdir()
    assert {run.state for run in droplab.Results.read(folder).record.runs.values()} == {"done"}
    assert (folder / "report.html").exists()


def test_five_lines_of_the_tutorial_changed():
    text = (EXAMPLES[0].parent / "tutorial.py").read_text(encoding="utf-8")
    assert text.count("# changed: ") == 5
    assert sum("run." in line or "run)" in line for line in text.splitlines() if "wandb" not in line) == 5
