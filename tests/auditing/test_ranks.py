"""Ranks that were seeded alike draw equal masks; those with seeds of their own do not."""

from __future__ import annotations

import torch
from torch import nn

from droplab.auditing import audit
from tests.ranks import two_ranks


def work(rank):
    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 2))
    said = []
    for seed in (0, rank):
        torch.manual_seed(seed)
        found = audit(model, torch.ones(4, 8))
        said.append([[one.code for one in found.faults], list(found.unchecked)])
    return said


def test_equal_masks(tmp_path):
    assert two_ranks(work, tmp_path) == [[[["DL013"], []], [[], []]]] * 2
