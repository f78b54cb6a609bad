"""A spec with a task: continued to the bit, in worker processes, on the test part; and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

import droplab
from droplab.analysis.deployed import endpoint
from droplab.data import Samples
from droplab.errors import DataError, ModelError, SpecError
from droplab.execution import StoredRun, final_evaluation
from droplab.execution.fitting import fit_set
from droplab.execution.loading import lay_out_for, load_data
from droplab.records import RunKey
from droplab.results import Results
from droplab.spec import parse_spec
from droplab.spec.presets import arm_set
from droplab.training import samples
from droplab.training.loop import Training as Trainer

RECIPE = {"epochs": 2, "batch_size": 32, "precision": "float32", "watch_every": 0}
ARMS = [{"name": "none"}, {"name": "half", "p": 0.5}]


def numbers(size=150):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(size, 6)).astype("float32")
    return {"train": (x, x[:, 0] * x[:, 1]), "groups": np.arange(size) // 3}


class Noisy(Dataset):
    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, at):
        return torch.full((6,), float(at % 7)) + torch.randn(6), float(at % 7)


def lazy(workers=0):
    return {"train": Noisy(64), "validation": Noisy(12), "test": Noisy(9), "workers": workers}


def spec(data="numbers", task="regression", **changes):
    values = {
        "task": task,
        "data": {"name": f"tests.execution.test_task_runs:{data}"},
        "model": {"name": "mlp", "options": {"hidden": [16]}},
        "recipe": RECIPE,
        "compute": {"executor": "serial", "threads": 1},
        "arms": ARMS,
        "seeds": 1,
    }
    return {**values, **changes}


def figures(results):
    """All that two runs of one thing must share."""
    skip = ("seconds", "images_per_second")
    return {
        key: {name: list(series) for name, series in run.metrics.items() if name not in skip}
        for key, run in results.record.runs.items()
    }


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("data", ["numbers", "lazy"])
def test_a_run_that_is_continued_is_the_run_that_was_not_interrupted(data, tmp_path, monkeypatch):
    whole = droplab.compare(spec(data), out=tmp_path / "whole")
    epoch = Trainer.epoch

    def failing(self, number, *rest, **options):
        if number == 1:
            raise KeyboardInterrupt
        return epoch(self, number, *rest, **options)

    monkeypatch.setattr(Trainer, "epoch", failing)
    with pytest.raises(KeyboardInterrupt):
        droplab.compare(spec(data), out=tmp_path / "cut")
    monkeypatch.setattr(Trainer, "epoch", epoch)
    assert figures(droplab.compare(spec(data), out=tmp_path / "cut")) == figures(whole)


@pytest.mark.usefixtures("one_thread")
def test_processes_and_workers_give_what_one_process_gives(tmp_path):
    here = droplab.compare(spec("lazy"), out=tmp_path / "here")
    processes = {"executor": "process", "workers": 1, "threads": 1}
    there = droplab.compare(spec("lazy", compute=processes), out=tmp_path / "there")
    read = spec("lazy")
    read["data"] = {**read["data"], "options": {"workers": 2}}
    assert figures(there) == figures(here) == figures(droplab.compare(read, out=tmp_path / "read"))


def test_the_trained_model_and_the_test_part(tmp_path):
    results = droplab.compare(spec(), out=tmp_path / "x")
    model = results.model("half", 0)
    assert model(torch.zeros(2, 6)).shape == (2, 1)
    found = final_evaluation(StoredRun(tmp_path / "x", RunKey("half", 0)))
    assert list(found.figures) == ["loss", "r2"]
    assert found.loss == found.figures["loss"]
    assert [measure.name for measure in Results.read(tmp_path / "x").record.measures] == ["loss", "r2"]
    assert {n.code: n.detail for n in results.record.notices}["cut_groups"] == {"validation": 15, "test": 15}


def test_a_task_is_part_of_what_an_experiment_is():
    plain = parse_spec({})
    assert "task" not in plain.canonical()
    assert parse_spec({"task": "classification"}).identity() == plain.identity()
    assert parse_spec({"task": {"name": "classification"}}).identity() == plain.identity()
    assert parse_spec({"task": {"name": "classification", "label_smoothing": 0.1}}).identity() != plain.identity()
    stored = parse_spec(spec(task={"name": "regression", "loss": "mae"}))
    assert parse_spec(stored.canonical()) == stored


def test_a_table_of_classes_needs_no_more_than_its_target(tmp_path):
    (tmp_path / "table.csv").write_text("a,y\n" + "1,no\n2,yes\n" * 40, encoding="utf-8")
    data = {"name": tmp_path / "table.csv", "options": {"target": "y"}}
    asked = parse_spec({"data": data, "model": {"name": "mlp"}})
    assert asked.task == {"name": "classification", "figures": ["loss", "accuracy"]}
    assert load_data(asked.data, None, asked.task).class_names == ("no", "yes")
    assert parse_spec({"data": data, "task": "regression"}).task == "regression"
    assert parse_spec({"data": {"name": "x.npz"}}).task == "classification"


def masks():
    draw = np.random.default_rng(0)
    return draw.normal(size=(40, 1, 8, 8)).astype("float32"), draw.integers(0, 2, (40, 8, 8))


@pytest.mark.parametrize(("batch", "at_once"), [(4, 5), (8, 8)])
def test_large_samples_are_evaluated_a_few_at_a_time(batch, at_once, monkeypatch, tmp_path):
    """512 images of 1024 × 1024, and what a U-Net makes of them, are more than memory holds."""
    seen, chunks = set(), Samples.chunks
    monkeypatch.setattr(samples, "_NUMBERS", 5 * (8 * 8 + 2 * 8 * 8))
    monkeypatch.setattr(Samples, "chunks", lambda self, size: seen.add(size) or chunks(self, size))
    asked = spec("masks", "segmentation", model={"name": "unet", "options": {"width": 2, "depth": 2}}, arms=ARMS[:1])
    droplab.compare({**asked, "recipe": {**RECIPE, "epochs": 1, "batch_size": batch}}, out=tmp_path / "x")
    assert seen == {at_once}


def root(outputs, targets):
    return (outputs - targets).abs().sqrt()


def test_functions_may_be_given_as_objects(tmp_path):
    task = {"name": "regression", "loss": root, "metrics": {"worst": {"function": worst, "better": "lower"}}}
    stored = parse_spec(spec(task=task))
    assert stored.task["loss"] == "tests.execution.test_task_runs:root"
    results = droplab.compare(stored, out=tmp_path / "x")
    assert [measure.name for measure in results.record.measures] == ["loss", "r2", "worst"]


def worst(outputs, targets):
    return (outputs[:, 0] - targets).abs().max()


def labelled(kind):
    x = np.zeros((60, 6), "float32")
    targets = {
        "nan": np.full(60, np.nan),
        "constant": np.ones(60),
        "maps": np.random.default_rng(0).normal(size=(60, 2, 2)),
        "pixels": np.arange(60) / 7,
        "lengths": np.arange(59) / 7,
    }
    return (np.zeros((60, 3, 8, 8), "uint8") if kind == "pixels" else x), targets[kind]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nan", "NaN or infinite"),
        ("constant", "nothing to predict"),
        ("maps", "reshape"),
        ("pixels", 'data.inputs = "pixels"'),
        ("lengths", "60 samples and targets 59"),
    ],
)
def test_data_that_do_not_hold(kind, words, tmp_path):
    bad = spec()
    bad["data"] = {"name": "tests.execution.test_task_runs:labelled", "options": {"kind": kind}}
    with pytest.raises(DataError, match=words):
        droplab.compare(bad, out=tmp_path / "x")
    assert not (tmp_path / "x").exists(), "nothing was written"


class Wide(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.fc, self.drop = nn.Linear(6, 5), nn.Dropout(0.1)

    def forward(self, x):
        return self.drop(self.fc(x))


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"model": {"name": "tests.execution.test_task_runs:Wide"}}, ModelError, r"gave \(32, 5\) for targets \(32,\)"),
        ({"task": "regresion"}, SpecError, "did you mean 'regression'"),
        ({"task": {"name": "regression", "losss": "mae"}}, SpecError, "did you mean 'loss'"),
        ({"task": 3}, SpecError, "the name of a task is wanted"),
        ({"recipe": {**RECIPE, "augmentation": "flip-crop"}}, SpecError, "flip-crop is for images"),
        ({"data": {"name": "no-such.csv"}}, DataError, "which column is to be predicted"),
    ],
    ids=["outputs", "name", "option", "number", "augmentation", "csv"],
)
def test_specs_that_do_not_hold(changes, kind, words, tmp_path):
    with pytest.raises(kind, match=words):
        droplab.compare({**spec(), **changes}, out=tmp_path / "x")


def plain(shape, classes):
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, classes))


def test_a_model_without_dropout_is_told_places_by_name(tmp_path):
    with pytest.raises(SpecError, match=r'places by name: p = \{ "2:in" = 0\.25 \}'):
        droplab.compare(
            {key: value for key, value in spec().items() if key not in {"arms", "model"}},
            model=plain,
            out=tmp_path / "x",
        )


def test_a_model_given_as_an_object_is_compared_as_written_too(tmp_path):
    asked = {key: value for key, value in spec().items() if key not in {"arms", "model"}}
    results = droplab.compare(asked, model=Narrow, out=tmp_path / "x")
    assert list(results.record.arms) == ["no dropout", "as written", "dropout 0.25"]
    assert droplab.rates(results.model("as written", 0)) == {"drop": 0.1}


class Narrow(Wide):
    def __init__(self, shape, classes):
        super().__init__(shape, classes)
        self.fc = nn.Linear(6, 1)


def test_a_built_in_set_fits_itself_to_a_tasks_model():
    """Its arms are tried on real samples: zeros of one shape would not be tokens, nor tables of inputs."""
    values, left = fit_set({**spec(), "arms": arm_set("variants")["arms"]})
    assert len(values["arms"]) > 3
    assert all("left out" in line for line in left)


def test_what_is_no_mean_is_judged_as_deployed_on_folds_of_whole_groups(tmp_path):
    asked = spec(task={"name": "regression", "figures": ["r2", "loss"]}, recipe={**RECIPE, "epochs": 4})
    data = lay_out_for(parse_spec(asked), load_data(parse_spec(asked).data, None, "regression"), 8, torch.device("cpu"))
    assert [data.groups.tolist().count(group) for group in set(data.groups.tolist())] == [3] * (
        len(data.validation) // 3
    )
    results = droplab.compare(asked, out=tmp_path / "x")
    assert results.verdict.primary.end.name == "as_deployed"
    (first, *_) = results.record.runs.values()
    folds, others = (np.array(first.folds[f"val_r2{end}"]) for end in ("", "/others"))
    assert (others[:, -1, 0] / others[:, -1, 1]).tolist() == pytest.approx(first.metrics["val_r2"], rel=1e-4)
    chosen = (others[:, :-1, 0] / others[:, :-1, 1]).argmax(0)
    there = folds[chosen, range(folds.shape[1])]
    found = endpoint(first, "val_r2", results.record.measures[0], "deployed")
    assert found.value == pytest.approx(there[:, 0].sum() / there[:, 1].sum())
