"""The tutorial's notebooks: one text in two languages over the same cells, executed; its numbers stand in outputs."""

import re
import runpy
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")

ROOT = Path(__file__).parent.parent
LANGUAGES = ("en", "ja")
SMALL = (
    ('"train_size": 600, "validation_size": 1000', '"train_size": 64, "validation_size": 64'),
    ("EPOCHS, SEEDS = 15, 5", "EPOCHS, SEEDS = 2, 2"),
)
"""Of the second cell, so that the suite sees every cell within seconds."""


def notebook(lang: str):
    return nbformat.read(ROOT / "notebooks" / f"tutorial.{lang}.ipynb", 4)


def cells(lang: str, kind: str) -> list:
    return [cell for cell in notebook(lang).cells if cell.cell_type == kind]


def printed(lang: str) -> str:
    """All that cells print."""
    outputs = [output for cell in cells(lang, "code") for output in cell.outputs]
    return "\n".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def numbers(text: str) -> set[str]:
    """Those of a text, as they are written."""
    return set(re.findall(r"(?<![\d.])\d+(?:\.\d+)?(?![\d.]*\d)", text))


def test_code_is_the_same_in_both_languages():
    english, japanese = ([cell.source for cell in cells(lang, "code")] for lang in LANGUAGES)
    assert english == japanese
    kinds = [[cell.cell_type for cell in notebook(lang).cells] for lang in LANGUAGES]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_cell_was_executed_in_order_without_an_error(lang):
    code = cells(lang, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3


@pytest.mark.parametrize("lang", LANGUAGES)
def test_numbers_of_the_text_stand_in_an_output(lang):
    """Whole ones may be what the code asks for: epochs, seeds, widths."""
    measured = numbers(printed(lang))
    asked = {number for cell in cells(lang, "code") for number in numbers(cell.source) if "." not in number}
    for cell in cells(lang, "markdown"):
        text = re.sub(r"\]\([^)]*\)|`[^`]*`|Python 3.11", "", cell.source)
        assert numbers(text) <= measured | asked, cell.source


def execute(lang: str, folder: Path, monkeypatch, small=()) -> list:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("DROPLAB_LANG", lang)
    run = notebook(lang)
    for before, after in small:
        assert before in run.cells[2].source
        run.cells[2].source = run.cells[2].source.replace(before, after)
    runpy.run_path(str(ROOT / "scripts" / "notebooks.py"))["execute"](run, folder, lang)
    return [output for cell in run.cells for output in cell.get("outputs", [])]


def test_it_runs_from_top_to_bottom(tmp_path, monkeypatch):
    outputs = execute("ja", tmp_path, monkeypatch, SMALL)
    assert not [output for output in outputs if output.output_type == "error"]
    assert (tmp_path / "tutorial.html").exists()
    assert list((tmp_path / "wandb").glob("offline-run-*"))
    told = "\n".join(output.get("text", "") for output in outputs)
    assert "7 条件 × 2 シード" in told


@pytest.mark.prove
@pytest.mark.timeout(1800)  # five minutes on two quiet cores
@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_runs_whole(lang, tmp_path, monkeypatch):
    outputs = execute(lang, tmp_path, monkeypatch)
    assert not [output for output in outputs if output.output_type == "error"]
