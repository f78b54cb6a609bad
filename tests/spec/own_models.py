"""Models and data as users write them."""

from __future__ import annotations

import torch
from torch import nn


def images():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(60, 1, 28, 28, generator=generator), torch.arange(60) % 3


def rows():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(97, 12, generator=generator), torch.arange(97) % 3


class conv(nn.Module):  # noqa: N801  # named as a function
    def __init__(self, shape, classes):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(shape[0], 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.ReLU())
        self.drop = nn.Dropout(0.1)
        self.body = nn.Linear(8, 16)
        self.head = nn.Sequential(nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, classes))

    def forward(self, x):
        return self.head(self.body(self.drop(self.features(x).mean((2, 3)))))


class bare(nn.Module):  # noqa: N801
    def __init__(self, shape, classes):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(shape[0], 4, 3), nn.Conv2d(4, 8, 3)
        self.body, self.out = nn.Linear(8, 16), nn.Linear(16, classes)

    def forward(self, x):
        x = self.conv2(self.conv1(x).relu()).relu().mean((2, 3))
        return self.out(self.body(x).relu())


def one(shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * 784, 8), nn.ReLU(), nn.Linear(8, classes))


def table(shape, classes):
    return nn.Sequential(nn.Linear(shape[0], 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, classes))


def normed(shape, classes):
    return nn.Sequential(nn.Linear(shape[0], 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, classes))


def linear(shape, classes):
    return nn.Linear(shape[0], classes)


def dropped_at_the_end(classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, classes), nn.Dropout(0.1))
