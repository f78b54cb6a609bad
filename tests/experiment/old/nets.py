"""The model and data of ``stopped.zip``. Its ledger has the digest of this file: leave it as it is."""

from __future__ import annotations

import torch
from torch import nn


def rows():
    return torch.arange(240.0).remainder(7).reshape(40, 6) / 3.5 - 1.0, torch.arange(40) % 3


class small(nn.Module):  # noqa: N801  # named as a function
    def __init__(self, shape, classes):
        super().__init__()
        self.body, self.middle = nn.Linear(shape[0], 8), nn.Linear(8, 8)
        self.drop = nn.Dropout(0.25)
        self.out = nn.Linear(8, classes)

    def forward(self, x):
        return self.out(self.drop(self.middle(self.body(x).relu()).relu()))
