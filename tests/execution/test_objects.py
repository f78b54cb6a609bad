"""Models and data given as objects, and trained models taken out again."""

from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import droplab
import droplab.data
from droplab.errors import CheckpointError, DesignError, ModelError, SpecError, UserError
from droplab.execution.plan import Plan
from droplab.ledger import Ledger, open_experiment
from droplab.listener import Listener
from droplab.records import RunKey
from droplab.results import Results
from tests.conftest import tiny

SMALL = {
    "recipe": {"epochs": 2, "batch_size": 20, "precision": "float32"},
    "seeds": 1,
    "compute": {"threads": 1},
    "arms": [{"name": "none"}, {"name": "half", "p": 0.5, "schedule": "linear"}],
}


def table(size=60, width=5):
    draw = np.random.default_rng(0)
    labels = np.arange(size) % 3
    return draw.normal(size=(size, width)).astype("float32") + labels[:, None], labels


class Net(nn.Module):
    """Importable; a batch norm so that buffers count too."""

    def __init__(self, shape, classes, hidden=8):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(shape[0], hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, classes)
        )

    def forward(self, x):
        return self.layers(x)


class Hears(Listener):
    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)


def test_importable_objects_go_by_their_names(tmp_path):
    results = droplab.compare(SMALL, model=Net, data=table, out=tmp_path / "x")
    assert results.record.spec["model"]["name"] == "tests.execution.test_objects:Net"
    assert results.record.spec["data"]["name"] == "tests.execution.test_objects:table"
    named = {**SMALL, "model": {"name": "tests.execution.test_objects:Net"}, "data": {"name": table}}
    again = droplab.compare(named, out=tmp_path / "x")
    assert again.record.experiment_id == results.record.experiment_id
    assert "validation samples" in str(results)


def test_a_lambda_runs_here_and_that_is_said(tmp_path):
    hears = Hears()
    net = lambda shape, classes: Net(shape, classes, hidden=4)  # noqa: E731  # what a user writes
    results = droplab.compare(SMALL, model=net, data=table(), out=tmp_path / "x", listener=hears)
    assert "one run at a time" in hears.said[0]
    assert "<lambda>@" in hears.said[0]
    with open_experiment(tmp_path / "x") as ledger:
        assert Plan(**ledger.design()["plan"]).executor == "serial"
    assert {run.state for run in results.record.runs.values()} == {"done"}
    assert results.model("half", 0).layers[0].out_features == 4


def test_objects_of_this_process_are_not_for_workers(tmp_path):
    spec = {**SMALL, "compute": {"executor": "process"}}
    with pytest.raises(SpecError, match="known to this process alone"):
        droplab.compare(spec, model=lambda classes: Net((5,), classes), data=table, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_another_function_is_another_experiment(tmp_path):
    def net(width):
        return lambda shape, classes: Net(shape, classes, hidden=width)

    droplab.compare(SMALL, model=net(4), data=table, out=tmp_path / "x")
    droplab.compare(SMALL, model=net(4), data=table, out=tmp_path / "x")  # the same again: nothing to do
    with pytest.raises(DesignError, match=r"model\.name"):
        droplab.compare(SMALL, model=net(5), data=table, out=tmp_path / "x")


def test_a_module_that_exists_is_refused_with_the_way_out(tmp_path):
    existing = Net((5,), 3)
    with pytest.raises(SpecError, match="same weights; give the class") as refused:
        droplab.compare(SMALL, model=existing, data=table, out=tmp_path / "x")
    assert "copy.deepcopy(model)" in str(refused.value)
    results = droplab.compare(SMALL, model=lambda: copy.deepcopy(existing), data=table, out=tmp_path / "x")
    assert {run.state for run in results.record.runs.values()} == {"done"}


@pytest.mark.parametrize("wrong", [3, True, ["a"]])
def test_what_is_no_function_is_no_model(wrong):
    with pytest.raises(SpecError, match=r"model\.name"):
        droplab.compare({"model": {"name": wrong}})


def test_a_script_gives_its_own_functions(tmp_path):
    """And in another process they are asked for again, not guessed."""
    script = tmp_path / "mine.py"
    script.write_text(
        f"""
import droplab
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(shape[0], 4), nn.Dropout(0.5), nn.Linear(4, classes))

    def forward(self, x):
        return self.net(x)

def load():
    return torch.arange(180.0).reshape(60, 3) / 180, torch.arange(60) % 3

spec = {SMALL!r}
results = droplab.compare(spec, model=Net, data=load, out={str(tmp_path / "x")!r})
print(sorted({{run.state for run in results.record.runs.values()}}), results.model("half", 0).net[1].p > 0.4)
""",
        encoding="utf-8",
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.stderr) == ("['done'] True", "")
    with pytest.raises(ModelError, match="was given as an object"):
        Results.read(tmp_path / "x").model("half", 0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    spec = {**SMALL, "seeds": 2, "recipe": {**SMALL["recipe"], "epochs": 3}}
    return droplab.compare(spec, model=Net, data=table, out=tmp_path_factory.mktemp("trained") / "x")


def test_a_trained_model_gives_the_ledgers_figures(trained):
    """Its loss and predictions on the validation part are those that the run committed."""
    split = droplab.data.load("tests.execution.test_objects:table")
    inputs, labels = split.validation.images, split.validation.labels
    for key, run in trained.record.runs.items():
        model = trained.model(key.arm, key.seed)
        assert not model.training
        with torch.no_grad():
            logits = model(inputs)
        assert nn.functional.cross_entropy(logits, labels).item() == pytest.approx(
            run.metrics["val_loss"][-1], rel=1e-5
        )
        with open_experiment(trained.folder) as ledger:
            assert tuple(logits.argmax(1).tolist()) == ledger.predictions(key).classes


def test_its_layers_have_the_rates_of_the_last_step(trained):
    for key, run in trained.record.runs.items():
        rates = droplab.rates(trained.model(key.arm, key.seed))
        assert rates == {name[2:]: series[-1] for name, series in run.metrics.items() if name.startswith("p/")}


def test_taking_a_model_draws_nothing_from_the_callers_generators(trained):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    trained.model("none", 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_each_call_gives_a_model_of_its_own(trained):
    one, other = trained.model("none", 0), trained.model("none", 0)
    assert not {id(p) for p in one.parameters()} & {id(p) for p in other.parameters()}


def test_wrong_arms_and_seeds_are_named(trained):
    with pytest.raises(UserError, match="no arm 'hlaf'; did you mean 'half'"):
        trained.model("hlaf", 0)
    with pytest.raises(UserError, match="no seed 7; its seeds: 0, 1"):
        trained.model("half", 7)


def test_unfinished_runs_have_no_model(tmp_path):
    results = droplab.compare(tiny(seeds=1, recipe={"epochs": 1}), out=tmp_path / "x")
    with Ledger.open(tmp_path / "x" / "ledger.sqlite") as ledger:
        ledger.set_state(RunKey("no dropout", 0), "failed", "NaN began in fc1")
    with pytest.raises(UserError, match=r"is not done \(failed: NaN began in fc1"):
        Results.read(results.folder).model("no dropout", 0)
    for path in (tmp_path / "x" / "runs").rglob("*.ckpt"):
        path.unlink()
    with pytest.raises(CheckpointError, match="no readable checkpoint"):
        results.model("dropout 0.25", 0)


def test_ledgers_older_than_the_shape_ask_the_data(finished, monkeypatch):
    found = Results.read(finished.folder)
    object.__setattr__(found.record, "shape", ())
    monkeypatch.setattr("droplab.execution.trained.open_experiment", lambda folder: _Old(open_experiment(folder)))
    assert found.model("no dropout", 0)(torch.zeros(1, 1, 28, 28)).shape == (1, 10)


class _Old:
    """A ledger without the entry."""

    def __init__(self, ledger):
        self.ledger = ledger

    def __enter__(self):
        self.ledger.__enter__()
        return self

    def __exit__(self, *reasons):
        return self.ledger.__exit__(*reasons)

    def read(self):
        return replace(self.ledger.read(), shape=())

    def __getattr__(self, name):
        return getattr(self.ledger, name)


def test_a_model_that_is_another_one_now_is_refused(trained, monkeypatch):
    monkeypatch.setattr(Net, "__init__", _wider)
    with pytest.raises(ModelError, match="another one than none · seed 0 trained"):
        trained.model("none", 0)


def _wider(self, shape, classes):
    nn.Module.__init__(self)
    self.layers = nn.Sequential(
        nn.Linear(shape[0], 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Dropout(0.2), nn.Linear(9, classes)
    )
