"""Kinds, schedules and optimisers of the user's own in experiments."""

from __future__ import annotations

import sys

import pytest

import droplab
from droplab.errors import DesignError, SpecError
from droplab.execution import StoredRun, final_evaluation
from droplab.execution.fingerprint import code_digests
from droplab.execution.folder import HOME, default_folder
from droplab.ledger import open_experiment
from droplab.results import Results
from droplab.spec import parse_spec
from droplab.spec.same import is_same, what_differs
from tests.conftest import tiny
from tests.schedules.own import Accuracy, Waves
from tests.variants.own import Faint

SHORT = {"epochs": 2, "batch_size": 20, "precision": "float32"}
FAINT = "tests.variants.own:Faint"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of the user's; returns how."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "changing_own.py").write_text(text, encoding="utf-8")
        sys.modules.pop("changing_own", None)

    yield write
    sys.modules.pop("changing_own", None)


KIND = """
from droplab.functional import dropout
from droplab.nn import DropLayer

class Mine(DropLayer):
    def __init__(self, p=0.5, times=1):
        super().__init__()
        self.p, self.times = p, times

    def forward(self, x):
        return self._in_training(dropout, x){more}
"""


def own(seeds=1, **arm):
    arms = [{"name": "none"}, {"name": "own", "p": 0.5, **arm}]
    return tiny(recipe=SHORT, seeds=seeds, arms=arms)


def figures(results, arm):
    run = next(run for key, run in results.record.runs.items() if key.arm == arm)
    assert run.state == "done"
    return run.metrics["val_loss"]


def test_a_kind_that_drops_as_plain_dropout_trains_as_it_does(tmp_path):
    both = [{"name": "a", "p": 0.5, "kind": "dropout"}, {"name": "b", "p": 0.5, "kind": Faint}]
    results = droplab.compare(tiny(recipe=SHORT, seeds=1, arms=both), out=tmp_path / "x")
    assert figures(results, "a") == figures(results, "b")
    assert results.record.spec["arms"][1]["layer"] == FAINT


def test_workers_find_it_and_its_source_is_watched(tmp_path, module):
    out = tmp_path / "x"
    module(KIND.format(more=""))
    spec = own(seeds=1, kind={"name": "changing_own:Mine", "times": 2})
    spec = spec.model_copy(update={"compute": spec.compute.model_copy(update={"executor": "process", "workers": 1})})
    results = droplab.compare(spec, out=out)
    assert figures(results, "own")
    with open_experiment(out) as ledger:
        assert ledger.design()["plan"]["executor"] == "process"
        assert list(ledger.design()["code"]) == ["kind changing_own:Mine"]
    assert type(results.model("own", 0).drop1).__name__ == "Mine"
    assert final_evaluation(StoredRun(out, next(iter(results.record.runs)))).loss > 0
    module(KIND.format(more=" * 1"))
    with pytest.raises(DesignError, match=r"code of kind changing_own:Mine \(changing_own.py\)"):
        droplab.compare(own(seeds=2, kind={"name": "changing_own:Mine", "times": 2}), out=out)
    module("")
    assert "2 arms" in Results.read(out).text()
    Results.read(out).write_page(tmp_path / "page.html")
    with pytest.raises(SpecError, match="changing_own has no 'Mine'"):
        Results.read(out).model("own", 0)


def test_what_torch_brings_is_not_watched():
    assert code_digests(parse_spec({"model": {"name": "torch.nn:Linear"}})) == {}


def test_a_class_of_this_process_runs_here(tmp_path):
    class Mine(Faint):
        pass

    results = droplab.compare(own(kind=Mine), out=tmp_path / "x")
    assert figures(results, "own")
    with open_experiment(tmp_path / "x") as ledger:
        assert ledger.design()["plan"]["executor"] == "serial"
    spec = own(kind=Mine)
    with pytest.raises(SpecError, match="known to this process alone"):
        droplab.compare(spec.model_copy(update={"compute": spec.compute.model_copy(update={"executor": "process"})}))


SPELLINGS = ("drop_path", {"name": "drop_path"}, {"name": "drop_path", "mode": "row"}, droplab.nn.DropPath)


def test_spellings_of_one_arm_are_one_experiment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, *others = (own(seeds=1, kind=kind) for kind in reversed(SPELLINGS))
    results = droplab.compare(first)
    for seeds, other in enumerate(others, 2):
        again = droplab.compare(own(seeds=seeds, kind=other.arms[1].kind))
        assert again.folder == results.folder
        assert again.record.seeds == tuple(range(seeds))
    with pytest.raises(DesignError) as refused:
        droplab.compare(own(kind={"name": "drop_path", "mode": "batch"}), out=results.folder)
    assert str(refused.value).count(" there, ") == 1


@pytest.mark.parametrize("before", SPELLINGS[1:3])
def test_a_folder_of_before_is_found_under_its_own_spelling(tmp_path, monkeypatch, before):
    monkeypatch.chdir(tmp_path)
    spec = own(kind=before)
    old = HOME / f"tiny-{spec.identity()}"
    assert default_folder(spec) == default_folder(own(kind="drop_path")) != old
    old.mkdir(parents=True)
    assert default_folder(spec) == old


def test_arms_in_two_spellings_are_the_same_arm(tmp_path):
    arms = [{"name": str(place), "p": 0.5, "kind": kind} for place, kind in enumerate(SPELLINGS[:3])]
    results = droplab.compare(tiny(recipe={**SHORT, "epochs": 1}, seeds=1, arms=arms), out=tmp_path / "x")
    assert [(n.arm, n.detail["other"]) for n in results.record.notices if n.code == "identical"] == [
        ("1", "0"),
        ("2", "0"),
    ]


def test_a_ledger_that_names_what_is_gone_is_another_experiment():
    stored = own(kind="dropout").canonical()
    stored["arms"][1]["layer"] = "no_such_module:Drop"
    assert not is_same({"identity": "0" * 16, "spec": stored}, own(kind="dropout"))
    assert what_differs(stored, own(kind="dropout")) == [
        f"arms: {stored['arms']!r} there, {own(kind='dropout').canonical()['arms']!r} here"
    ]


def test_schedules_of_the_users_move_p(tmp_path):
    arms = [
        {"name": "linear", "p": 0.5, "schedule": "linear"},
        {"name": "waves", "p": 0.5, "schedule": Waves(waves=1)},
        {"name": "adaptive", "p": 0.1, "schedule": {"drop2": {"name": Accuracy, "target": -1.0, "most": 0.05}}},
    ]
    spec = tiny(recipe=SHORT, seeds=1, arms=arms, compute={"executor": "process", "workers": 1})
    results = droplab.compare(spec, out=tmp_path / "x")
    rates = {key.arm: run.metrics["p/drop2"] for key, run in results.record.runs.items()}
    steps = 2 * 100 // 20
    assert rates["waves"] == pytest.approx([Waves()(step, steps, 0.5) for step in (steps // 2 - 1, steps - 1)])
    assert rates["adaptive"] == pytest.approx([0.1, 0.15])
    own = [f"schedule tests.schedules.own:{name}" for name in ("Waves", "Accuracy")]
    assert list(code_digests(spec)) == own
    assert droplab.rates(results.model("waves", 0))["drop2"] == pytest.approx(rates["waves"][-1])
