"""Pages of results that scripts write from a ledger, and write again from their tables."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import droplab
from droplab.cli import main
from tests.conftest import TINY

SCRIPTS = str(Path(__file__).parent.parent / "scripts")
sys.path.insert(0, SCRIPTS)
record_results = importlib.import_module("record_results")
record_rivals = importlib.import_module("record_rivals")
record_sets = importlib.import_module("record_sets")
recorded_pages = importlib.import_module("recorded")
reword_results = importlib.import_module("reword_results")
second_set = importlib.import_module("second_set")
sys.path.remove(SCRIPTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The rivals' arms on a few images."""
    asked = record_rivals.spec_of("rivals").canonical()
    values = {
        **TINY,
        "model": {"name": "mlp"},
        "arms": asked["arms"],
        "margin": 0.02,
        "endpoints": "2",
        "name": "rivals",
    }
    out = tmp_path_factory.mktemp("recorded") / "rivals"
    droplab.compare(values, out=out)
    return out


@pytest.fixture
def here(monkeypatch, tmp_path):
    monkeypatch.setattr(recorded_pages, "HERE", tmp_path)
    return tmp_path


def recorded(folder, monkeypatch, name="rivals"):
    monkeypatch.setattr(sys, "argv", ["record_rivals.py", name, "--out", str(folder), "--written-only"])
    record_rivals.main()


@pytest.mark.parametrize("name", ["rivals", "rivals-demo"])
def test_pages_are_written_again_from_their_tables_to_the_letter(folder, here, monkeypatch, name):
    recorded(folder, monkeypatch, name)
    pages, _ = second_set.reworded(name)
    assert {path.name: text == path.read_text(encoding="utf-8") for path, text in pages.items()} == {
        f"{name}.md": True,
        f"{name}.ja.md": True,
    }
    english = (here / f"{name}.md").read_text(encoding="utf-8")
    assert '"flip-crop" trains by another recipe: augmentation flip-crop in the place of none.' in english
    assert english.count("these seeds do not decide it: ") == 2
    assert "データ拡張もするとき" in (here / f"{name}.ja.md").read_text(encoding="utf-8")


def test_arms_that_are_not_finished_are_left_out_and_named(folder, here, monkeypatch):
    with droplab.ledger.Ledger.open(folder / "ledger.sqlite") as ledger:
        ledger.set_state(droplab.records.RunKey("label smoothing 0.1", 1), "interrupted", "for this test")
    recorded(folder, monkeypatch)
    english = (here / "rivals.md").read_text(encoding="utf-8")
    assert "Not finished, and left out: label smoothing 0.1." in english
    assert "5 arms × 2" in " ".join(english.split())
    pages, _ = second_set.reworded("rivals")
    assert all(text == path.read_text(encoding="utf-8") for path, text in pages.items())


def test_an_arm_whose_name_has_commas_is_named_on_the_command_line(folder, capsys):
    assert record_rivals.BOTH == "dropout 0.25, flip-crop"
    main(["verdict", str(folder), "--arms", "flip-crop,dropout 0.25, flip-crop"])
    out = capsys.readouterr().out
    assert "2 arms × 2" in out
    assert "arm minus flip-crop\n    dropout 0.25, flip-crop  " in out


def test_seeds_until_decided_are_counted(here, monkeypatch, tmp_path):
    arms = [{"name": "no dropout"}, {"name": "dropout 0.95", "p": 0.95}]
    values = {**TINY, "model": {"name": "mlp"}, "arms": arms, "margin": 0.03, "looks": [2, 3], "seeds": "until-decided"}
    record = droplab.compare(values, out=tmp_path / "x").record
    used = sum(run.state == "done" for run in record.runs.values())
    recorded(tmp_path / "x", monkeypatch, "until-decided")
    english = (here / "until-decided.md").read_text(encoding="utf-8")
    assert f"**{used} runs were trained of the 6 that 3 seeds for every arm would be.**" in english
    assert f"| no dropout | {used // 2} | | |" in english
    pages, _ = second_set.reworded("until-decided")
    assert all(text == path.read_text(encoding="utf-8") for path, text in pages.items())
    with droplab.ledger.Ledger.open(tmp_path / "x" / "ledger.sqlite") as ledger:
        ledger.set_state(droplab.records.RunKey("dropout 0.95", 0), "interrupted", "for this test")
    with pytest.raises(SystemExit, match="not finished: 1 runs of the next look"):
        recorded(tmp_path / "x", monkeypatch, "until-decided")


@pytest.fixture(scope="module")
def first_set(tmp_path_factory):
    """Two arms under the questions that older results answer."""
    arms = [{"name": "no dropout"}, {"name": "dropout 0.5", "p": 0.5}]
    values = {**TINY, "model": {"name": "mlp"}, "arms": arms, "endpoints": "1"}
    return droplab.compare(values, out=tmp_path_factory.mktemp("first") / "set")


@pytest.mark.parametrize("name", ["demo", "variants", "schedules"])
def test_older_pages_are_pairs_and_are_written_again_from_their_tables_to_the_letter(
    first_set, here, monkeypatch, name
):
    monkeypatch.setattr(record_sets, "TARGET_GAP", -9.0)
    if name == "demo":
        record_results.record(name, first_set)
    else:
        record_sets.write(name, first_set)
    found = reword_results.reworded(name)
    assert {path.name for path in found} == {f"{name}.md", f"{name}.ja.md", f"{name}-effects.csv"}
    assert "What was noticed" in first_set.text("en")
    for path, text in found.items():
        assert text == path.read_text(encoding="utf-8"), path.name
    english, japanese = ((here / f"{name}{end}").read_text(encoding="utf-8") for end in (".md", ".ja.md"))
    assert first_set.text("en") in english
    assert first_set.text("ja") in japanese
    assert "判定" not in english
    assert "erdict" not in japanese
    rows = [[line for line in page.splitlines() if line.startswith("| ")] for page in (english, japanese)]
    assert len(rows[0]) == len(rows[1]) == {"demo": 0, "variants": 5, "schedules": 5}[name]
    assert ("| no dropout | 1.00 | なし |" in japanese) == (name == "variants")
    assert "\n\n\n" not in english + japanese
