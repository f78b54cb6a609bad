"""Loggers that a loop has opened itself, as far as no library is needed for it."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from droplab.training.labels import Labels, open_now


class Port:
    def __init__(self):
        self.places, self.said = [], []

    def also_in(self, sink, where):
        self.places.append((sink, dict(where)))

    def say(self, text):
        self.said.append(text)


class Config(dict):
    def update(self, values, allow_val_change):
        assert allow_val_change
        super().update(values)


def opened(number, **changed):
    given = {"config": Config(), "summary": {}, "log_artifact": print, "offline": False, "entity": "me"}
    return SimpleNamespace(**{**given, "project": "p", "id": f"r{number}", "dir": "/d/files", **changed})


@pytest.fixture
def wandb(monkeypatch):
    module = ModuleType("wandb")
    module.run = None
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    return module


def test_a_run_is_labelled_once_and_one_that_was_open_before_is_not(wandb):
    wandb.run = around = opened(0)
    port = Port()
    labels = Labels("net 1234", "dropout 0.5", 3, port, open_now())
    labels.step()
    assert (around.config, port.places) == ({}, [])
    wandb.run = own = opened(1)
    labels.step()
    assert own.config == {}, "only the first step after a report looks"
    labels.look()
    labels.step()
    assert own.config == {"droplab": {"group": "net 1234", "arm": "dropout 0.5", "seed": 3}}
    assert port.places == [("wandb", {"path": "me/p/r1", "offline": "", "folder": "/d"})]


def test_one_that_fails_or_is_none_is_said_and_training_goes_on(wandb):
    port = Port()
    labels = Labels("g", "a", 0, port)
    labels.give(opened(1, config=None))
    labels.give("a text")
    labels.give(opened(2, disabled=True))
    assert port.places == []
    assert "did not take the run's arm and seed: AttributeError" in port.said[0]
    assert "got 'a text'; a run of W&B or MLflow, a SummaryWriter" in port.said[1]
    assert len(port.said) == 2
