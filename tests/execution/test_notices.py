from __future__ import annotations

import dataclasses

import pytest

import droplab
from droplab.errors import DesignError
from droplab.execution import final_evaluation
from droplab.ledger import Ledger
from droplab.records import Notice, RunKey
from droplab.results import Results
from tests.conftest import tiny

HERE = "tests.execution.check.models"
SHORT = {"epochs": 1}


def codes(results) -> list[str]:
    return [notice.code for notice in results.record.notices]


def test_what_was_noticed_stands_in_ledger_verdict_and_page_once(tmp_path):
    spec = tiny(model={"name": f"{HERE}:seeded"}, recipe=SHORT)
    results = droplab.compare(spec, out=tmp_path / "x")
    assert codes(results) == ["weights_same", "inputs_scaled"]
    assert "Seeds do not change the initial weights" in results.text()
    assert "シードを変えても初期重みが変わりません" in results.text("ja")
    assert "Seeds do not change the initial weights" in results.write_page().read_text(encoding="utf-8")
    again = droplab.compare(spec, out=tmp_path / "x")
    assert codes(again) == codes(results)
    assert again.record.notices == Results.read(tmp_path / "x").record.notices


def test_a_refused_baseline_leaves_nothing_and_an_allowed_one_says_so(tmp_path):
    spec = tiny(model={"name": f"{HERE}:FunctionalDropout"}, recipe=SHORT, seeds=1)
    with pytest.raises(droplab.errors.ModelError, match=r"F\.dropout at"):
        droplab.compare(spec, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()
    results = droplab.compare(spec, out=tmp_path / "x", allow_random_baseline=True)
    assert "drops_in_training" in codes(results)
    assert "F.dropout at" in results.text().replace("\n    ", " ")
    assert "  - The model drops units that no arm controls" in results.text()
    assert "働いています：F.dropout" in results.text("ja").replace("\n    ", "")


def test_runs_report_the_weights_they_began_with(finished):
    record = finished.record
    found = {event.run: event.detail["digest"] for event in record.events if event.kind == "initial weights"}
    assert found.keys() == record.runs.keys()
    by_seed = [{found[RunKey(arm, seed)] for arm in record.arms} for seed in (0, 1)]
    assert [len(digests) for digests in by_seed] == [1, 1]
    assert by_seed[0] != by_seed[1]
    with Ledger.open(finished.folder / "ledger.sqlite") as ledger:
        assert ledger.design()["initial_weights"] == {"0": found[RunKey("no dropout", 0)]}


SOURCE = """
from torch import nn
def net(classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, WIDTH), nn.ACT(), nn.Dropout(0.5), nn.Linear(WIDTH, classes))
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's that can be written anew."""
    import importlib
    import sys

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(width=8, act="ReLU", more=""):
        (tmp_path / "changing_net.py").write_text(SOURCE.replace("WIDTH", str(width)).replace("ACT", act) + more)
        sys.modules.pop("changing_net", None)
        importlib.invalidate_caches()

    yield write
    sys.modules.pop("changing_net", None)


def spec(seeds):
    return tiny(model={"name": "changing_net:net"}, recipe=SHORT, seeds=seeds, arms=[{"name": "none"}])


def test_changed_code_is_refused_until_it_is_accepted(tmp_path, module):
    out = tmp_path / "x"
    module()
    droplab.compare(spec(1), out=out)
    module(more="\n\n# a remark changes nothing\n")
    droplab.compare(spec(2), out=out)
    module(act="Tanh")
    with pytest.raises(DesignError, match=r"code of model \(changing_net.py\).*--accept-changed-code"):
        droplab.compare(spec(3), out=out)
    assert Results.read(out).record.seeds == (0, 1)
    results = droplab.compare(spec(3), out=out, accept_changed_code=True)
    assert results.record.seeds == (0, 1, 2)
    assert "code_changed" in codes(results)
    assert "model (changing_net.py)" in results.text()
    assert codes(droplab.compare(spec(4), out=out)).count("code_changed") == 1


def test_the_test_set_does_not_open_for_another_model(tmp_path, module):
    module()
    results = droplab.compare(spec(1), out=tmp_path / "x")
    module(act="Tanh")
    with pytest.raises(DesignError, match=r"code of model \(changing_net.py\).*its validation loss was.*stays closed"):
        final_evaluation(results.runs[0])
    assert Results.read(results.folder).record.test_openings == 0
    module(more="\nUNUSED = 1\n")  # other code, the same model
    assert final_evaluation(results.runs[0]).openings == 1


def test_other_weights_tell_of_code_that_no_file_shows(tmp_path, module, monkeypatch):
    out = tmp_path / "x"
    module()
    droplab.compare(spec(1), out=out)
    monkeypatch.setattr("torch.nn.init._calculate_correct_fan", lambda *_: 100)
    monkeypatch.setattr("torch.nn.init._calculate_fan_in_and_fan_out", lambda *_: (100, 100))
    with pytest.raises(DesignError, match="initial weights are others"):
        droplab.compare(spec(2), out=out)


def test_a_ledger_without_digests_is_continued(tmp_path):
    def small(seeds):
        return tiny(model={"name": f"{HERE}:Net"}, recipe=SHORT, seeds=seeds)

    out = tmp_path / "x"
    results = droplab.compare(small(1), out=out)
    with Ledger.open(out / "ledger.sqlite") as ledger:
        design = ledger.design()
        ledger.set_design("code", {})
        ledger.set_design("initial_weights", {})
    again = droplab.compare(small(2), out=out)
    assert codes(again) == codes(results)
    with Ledger.open(out / "ledger.sqlite") as ledger:
        assert [ledger.design()[key] for key in ("code", "initial_weights")] == [
            design["code"],
            design["initial_weights"],
        ]


@pytest.mark.parametrize(
    ("busy", "turns", "chosen"),
    [
        ((), 3, "bfloat16"),  # twice as fast, nothing in between
        ((0,), 5, "bfloat16"),  # a busy moment costs two more turns, and changes nothing
        ((1, 2), 7, "bfloat16"),
        ((0, 2, 4, 6, 8), 9, "float32"),  # no lead: the precision that nobody need ask about
        (tuple(range(9)), 3, "float32"),
    ],
)
def test_a_precision_is_measured_until_one_leads_and_is_told(tmp_path, monkeypatch, busy, turns, chosen):
    asked = []

    def speed(_spec, _bench, precision, _seconds):
        asked.append(precision)
        return 100.0 * (2 if precision == "bfloat16" and asked.count(precision) - 1 not in busy else 1)

    monkeypatch.setattr("droplab.execution.calibrate.training_speed", speed)
    small = {"name": f"{HERE}:Net"}
    results = droplab.compare(tiny(model=small, recipe={**SHORT, "precision": "auto"}, seeds=1), out=tmp_path / "x")
    assert asked.count("bfloat16") == turns
    (notice,) = [notice for notice in results.record.notices if notice.code == "precision"]
    assert notice.detail["precision"] == chosen
    assert f"Precision {chosen} was chosen by measuring" in results.text()


def test_a_notice_of_a_newer_droplab_is_shown_as_it_is(finished):
    record = dataclasses.replace(finished.record, notices=(Notice("unheard_of", "a", {"x": 1}),))
    assert "unheard_of {'x': 1}" in Results(finished.folder, record).text()
