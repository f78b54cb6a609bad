"""Arms that change the recipe: what is estimated, watched, continued and shown of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import torch

import droplab
from droplab.analysis import Plan, pilot
from droplab.errors import DesignError
from droplab.execution import calibrate
from droplab.execution.loading import lay_out_for, load_data, with_sizes
from droplab.execution.seed_data import split_of
from droplab.spec import parse_spec
from droplab.spec.named import named_objects
from droplab.training import speed
from droplab.training.loop import Training
from tests.conftest import TINY, tiny

SMALL = {**TINY, "model": {"name": "mlp"}}
MORE = {"name": "more", "train_size": 300, "weight_decay": 0.01}


def test_the_estimate_is_that_of_the_dearest_arm(monkeypatch):
    spec = tiny(arms=[{"name": "none"}, {"name": "small", "batch_size": 8}, MORE], compute={"executor": "auto"})
    data = with_sizes(spec, lay_out_for(spec, split_of(spec, 0, None), 100, torch.device("cpu")), None)
    made = []
    monkeypatch.setattr(speed, "Training", lambda *given: made.append(given[0].arm.name) or Training(*given))
    monkeypatch.setattr(calibrate, "_WORTH_WORKERS", float("inf"))
    figures = calibrate.choose_plan(spec, data, 6, None, "", print).figures
    assert set(made) == {"small"}
    assert figures["serial_seconds"] == pytest.approx(6 * 2 * 300 / figures["serial_float32"])


def test_a_size_is_that_of_the_split_protocol_and_validation_is_shared():
    spec = tiny(arms=[{"name": "none"}, MORE])
    data = with_sizes(spec, lay_out_for(spec, split_of(spec, 0, None), 100, torch.device("cpu")), None)
    none, more = (data.of(arm) for arm in spec.arms)
    assert none is data
    assert (len(none.train), len(more.train), len(more.fit)) == (100, 300, 300)
    assert more.validation is data.validation
    alone = load_data(spec.data.model_copy(update={"train_size": 300}))
    assert torch.equal(more.train.labels, alone.train.labels)
    with pytest.raises(KeyError):
        lay_out_for(spec, split_of(spec, 0, None), 100, torch.device("cpu")).of(spec.arms[1])


def test_arms_of_other_sizes_have_the_columns_of_the_others(tmp_path):
    """A category that few rows know would get a number that validation samples have for another."""
    rows = "".join(f"{at},{chr(97 + at % 20)},{at % 7}\n" for at in range(200))
    (tmp_path / "table.csv").write_text("a,c,y\n" + rows, encoding="utf-8")
    data = {"name": str(tmp_path / "table.csv"), "options": {"target": "y"}}
    arms = [{"name": "none"}, {"name": "few", "train_size": 10}]
    spec = parse_spec({**SMALL, "task": "regression", "data": data, "arms": arms})
    found = with_sizes(spec, lay_out_for(spec, split_of(spec, 0), 100, torch.device("cpu")), None)
    whole, few = (found.of(arm).train.inputs for arm in spec.arms)
    known = dict(zip(whole["numbers"][:, 0].tolist(), whole["categories"][:, 0].tolist(), strict=True))
    assert len(few["numbers"]) == 10
    for number, category in zip(few["numbers"][:, 0].tolist(), few["categories"][:, 0].tolist(), strict=True):
        assert known[number] == category


def test_an_arms_own_optimiser_is_watched_as_the_recipes_is():
    spec = tiny(arms=[{"name": "none"}, {"name": "own", "optimizer": "torch.optim:RMSprop"}])
    assert named_objects(spec) == {"optimizer torch.optim:RMSprop": "torch.optim:RMSprop"}
    given = parse_spec({"arms": [{"name": "own", "recipe": {"optimizer": torch.optim.RMSprop}}]})
    assert given.arms[0].recipe == {"optimizer": "torch.optim.rmsprop:RMSprop"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    arms = [{"name": "none"}, MORE]
    return droplab.compare({**SMALL, "arms": arms}, out=tmp_path_factory.mktemp("rivals") / "x")


def test_another_spelling_continues_and_another_recipe_does_not(results):
    again = [{"name": "none", "lr": 1e-3}, {"name": "more", "recipe": {"weight_decay": 0.01}, "train_size": 300}]
    assert droplab.compare({**SMALL, "arms": again}, out=results.folder).record == results.record
    other = [{"name": "none"}, {**MORE, "weight_decay": 0.02}]
    with pytest.raises(DesignError, match=r"'weight_decay': 0.01.* there, .*'weight_decay': 0.02.* here"):
        droplab.compare({**SMALL, "arms": other}, out=results.folder)


def test_the_test_set_and_the_model_are_those_of_the_arm(results):
    run = next(run for run in results.runs if run.key.arm == "more")
    assert droplab.final_evaluation(run).loss > 0
    assert isinstance(results.model("more", 0), torch.nn.Module)


def test_the_page_finds_runs_by_the_recipe_that_they_were_trained_by(results):
    text = results.write_page().read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])
    fields = {run["arm"]: run["fields"] for run in data["runs"]}
    assert (fields["none"]["recipe.weight_decay"], fields["more"]["recipe.weight_decay"]) == (0.0, 0.01)
    assert (fields["none"]["data.train_size"], fields["more"]["data.train_size"]) == (100, 300)
    assert "arm.recipe.weight_decay" not in fields["none"]


def test_a_pilot_takes_the_time_of_the_dearest_arm(results):
    runs = {
        key: replace(run, metrics={**run.metrics, "seconds": (9.0, 9.0) if key.arm == "more" else (1.0, 1.0)})
        for key, run in results.record.runs.items()
    }
    assert pilot(replace(results.record, runs=runs), 1, Plan((3,))).seconds == 18.0
