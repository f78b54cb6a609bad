"""The tutorial's network as published, one dropout layer called twice, with a rate for each call."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import droplab
from droplab.records import RunKey

pytestmark = pytest.mark.usefixtures("one_thread")
X = torch.randn(32, 3, 32, 32, generator=torch.Generator().manual_seed(0))
Y = torch.arange(32) % 10
ARM = {"name": "two rates", "p": {"dropout": 0.1, "dropout#2": 0.5}, "schedule": {"dropout#2": "linear"}}


class Published(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 64, 3), nn.Conv2d(64, 128, 3)
        self.pool, self.dropout = nn.MaxPool2d(2, 2), nn.Dropout(0.25)
        self.fc1, self.fc2 = nn.Linear(128 * 2 * 2, 512), nn.Linear(512, 10)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = self.pool(F.relu(conv(x)))
        x = self.dropout(torch.flatten(x, 1))
        return self.fc2(self.second()(F.relu(self.fc1(x))))

    def second(self):
        return self.dropout


class Named(Published):
    def __init__(self) -> None:
        super().__init__()
        self.again = droplab.nn.Dropout(0.25)
        self.again.key_name = "dropout#2"

    def second(self):
        return self.again


def loop(make):
    def train(run):
        model = run.prepare(make)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in run.epochs(2, steps_per_epoch=2, optimizer=optimizer):
            model.train()
            for part in (slice(0, 16), slice(16, 32)):
                with run.step(samples=torch.arange(32)[part]):
                    loss = F.cross_entropy(model(X[part]), Y[part])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
            model.eval()
            with torch.no_grad():
                run.report(train_loss=loss.item(), val_loss=F.cross_entropy(model(X), Y))

    return train


def figures(make, arm, folder):
    record = droplab.compare(loop(make), arms=[arm], seeds=1, measures={"loss": "lower"}, out=folder).record
    (run,) = record.runs.values()
    return record, run.metrics


def test_two_rates_of_one_layer_are_those_of_two_named_layers(tmp_path):
    _, found = figures(Published, ARM, tmp_path / "published")
    named = {"name": "named", "p": {"dropout": 0.1, "again": 0.5}, "schedule": {"again": "linear"}}
    _, wanted = figures(Named, named, tmp_path / "named")
    _, one_rate = figures(Published, {"name": "one rate", "p": {"dropout": 0.1}}, tmp_path / "one")
    assert found["p/dropout#2"] == wanted["p/again"]
    assert found["p/dropout"] == (0.1, 0.1)
    for name in ("train_loss", "val_loss"):
        assert found[name] == wanted[name] != one_rate[name]


def test_a_call_that_the_loop_does_not_make_is_told(tmp_path):
    record, found = figures(Published, {"name": "odd", "p": {"dropout#3": 0.5}}, tmp_path / "odd")
    assert found["p/dropout#3"] == (0.5, 0.5)
    notices = [(notice.code, dict(notice.detail)) for notice in record.notices]
    assert ("never_called", {"sites": "dropout#3"}) in notices
    assert record.runs.keys() == {RunKey("odd", 0)}
