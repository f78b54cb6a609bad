"""The tutorial's network as it was published, with one dropout layer before both linear layers, is compared."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

import droplab
from tests.conftest import tiny


class Net(nn.Module):
    """One ``self.dropout``, called twice."""

    def __init__(self, classes, places=1) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3), nn.Conv2d(64, 128, 3)
        self.dropout = nn.Dropout(0.25)
        self.again = nn.Dropout(0.25) if places == 2 else None
        self.fc1, self.fc2 = nn.Linear(128, 512), nn.Linear(512, classes)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = F.max_pool2d(F.relu(conv(x)), 2)
        x = F.relu(self.fc1(self.dropout(x.flatten(1))))
        return self.fc2((self.again or self.dropout)(x))


def published(shape, classes):  # what a model's function is given
    return Net(classes)


def named(shape, classes):
    net = Net(classes, places=2)
    droplab.replace(net)
    net.again.key_name = "dropout#2"
    return net


def test_the_published_network_is_compared_and_equals_that_of_two_named_layers(tmp_path):
    arms = [{"name": "none", "p": 0}, {"name": "quarter", "p": 0.25}]
    figures = []
    for model in (published, named):
        spec = tiny(model={"name": f"{__name__}:{model.__name__}"}, arms=arms, seeds=1)
        results = droplab.compare(spec, out=tmp_path / model.__name__)
        losses = {key.arm: run.metrics["val_loss"] for key, run in results.record.runs.items()}
        weights = {arm: results.model(arm, 0).state_dict() for arm in losses}
        figures.append((losses, weights))
    (losses, weights), (wanted, theirs) = figures
    assert losses == wanted
    assert losses["none"] != losses["quarter"]
    for arm, tensors in weights.items():
        assert all(torch.equal(value, theirs[arm][name]) for name, value in tensors.items())
