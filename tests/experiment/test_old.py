"""What an older droplab wrote, made by the code of November 26, 2026: it is read, continued, and means the same.

``old/words.toml`` has every kind, option and schedule of that day. ``old/stopped.zip`` is an experiment's folder whose
third run was stopped after its first epoch of three; ``old/stopped.toml`` is its spec.
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest
import torch

import droplab
from droplab.execution.environment import differences, environment
from droplab.execution.loading import load_data
from droplab.ledger import open_experiment
from droplab.records import RunKey
from droplab.results import Results
from droplab.spec import parse_spec, read_spec
from droplab.spec.same import is_same

OLD = Path(__file__).parent / "old"
TIMES = {"seconds", "images_per_second"}


@pytest.fixture
def stopped(tmp_path):
    shutil.unpack_archive(OLD / "stopped.zip", tmp_path / "stopped")
    return tmp_path / "stopped"


@pytest.mark.parametrize(("file", "identity"), [("words", "e70d4619c4e2bd1a"), ("stopped", "ae160152d5b4ea17")])
def test_an_old_spec_is_the_same_experiment(file, identity):
    assert read_spec(OLD / f"{file}.toml").identity() == identity


def test_a_trained_model_of_an_old_folder(stopped):
    results = Results.read(stopped)
    part = load_data(read_spec(OLD / "stopped.toml").data).validation
    for arm in ("as written", "concrete"):
        with torch.no_grad():
            loss = torch.nn.functional.cross_entropy(results.model(arm, 3)(part.images), part.labels)
        assert float(loss) == pytest.approx(results.record.runs[RunKey(arm, 3)].metrics["val_loss"][-1], rel=1e-4)


def test_an_old_run_is_continued_as_if_it_had_not_been_stopped(stopped, tmp_path):
    with open_experiment(stopped) as ledger:
        before, (then, *_) = ledger.read(), ledger.environments()
    assert [(run.state, run.epochs_done) for run in before.runs.values()] == [
        *[("done", 3)] * 2,
        ("interrupted", 1),
    ]
    continued = droplab.compare(OLD / "stopped.toml", out=stopped).record
    anew = droplab.compare(OLD / "stopped.toml", out=tmp_path / "anew").record
    assert [event for event in continued.events if "continues otherwise" in event.detail.get("text", "")] == []
    same = not differences({**then, "droplab": environment()["droplab"]}, environment())
    for key, run in anew.runs.items():
        other = continued.runs[key]
        assert (other.state, other.metrics.keys()) == ("done", run.metrics.keys())
        for name in run.metrics.keys() - TIMES:
            assert other.metrics[name] == (run.metrics[name] if same else pytest.approx(run.metrics[name], rel=1e-3))


def test_an_old_ledger_is_the_same_experiment_in_another_spelling(stopped):
    text = (OLD / "stopped.toml").read_text(encoding="utf-8")
    other = text.replace('{ name = "gaussian_dropout" }', '"gaussian_dropout"')
    other = other.replace('"concrete_dropout_linear"', '{ name = "concrete_dropout_linear", tau = 1 }')
    with open_experiment(stopped) as ledger:
        design = ledger.design()
    spec = parse_spec(tomllib.loads(other))
    assert spec.identity() != design["identity"]
    assert is_same(design, spec)
    assert not is_same(design, parse_spec(tomllib.loads(other.replace("tau = 1", "tau = 2"))))
