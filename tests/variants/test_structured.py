"""What locked dropout, stochastic depth and DropHead do beside their defaults, which ``LayerContract`` covers."""

from __future__ import annotations

import pytest
import torch

from droplab import functional as F
from droplab import keyed, nn
from droplab.errors import UserError


def draw(layer, x, **key):
    with keyed(torch.nn.ModuleDict({"drop": layer}), seed=3, **key):
        return layer(x)


def test_time_first_is_batch_first_turned():
    x = torch.rand(6, 5, 7) + 1
    turned = draw(nn.LockedDropout(0.4, batch_first=False), x.transpose(0, 1).contiguous())
    assert torch.equal(turned.transpose(0, 1), draw(nn.LockedDropout(0.4), x))


def test_batch_mode_drops_all_or_nothing_and_shards_agree():
    layer, x = nn.DropPath(0.5, mode="batch"), torch.ones(4, 3)
    seen = [draw(layer, x, step=step) for step in range(200)]
    assert all(y.unique().numel() == 1 for y in seen)
    share = sum(not y.any() for y in seen) / 200
    assert abs(share - 0.5) < 4 * (0.25 / 200) ** 0.5
    late = [draw(layer, x[2:], step=step, samples=torch.tensor([2, 3])) for step in range(200)]
    assert all(torch.equal(y[2:], z) for y, z in zip(seen, late, strict=True))


def test_rows_have_the_moments_of_the_usual_equation():
    x, p, draws = torch.ones(20_000, 1), 0.2, 20_000
    usual = x * torch.empty(draws, 1).bernoulli_(1 - p, generator=torch.Generator().manual_seed(0)) / (1 - p)
    ours = draw(nn.DropPath(p), x)
    error = (2 * p / (1 - p) / draws) ** 0.5
    assert set(ours.unique().tolist()) == set(usual.unique().tolist()) or abs(ours.max() - usual.max()) < 1e-4
    assert abs(ours.mean() - usual.mean()) < 4 * error


def test_heads_in_either_place():
    x = torch.rand(6, 8, 3, 4) + 1
    there = draw(nn.DropHead(0.4, head_dim=2), x.transpose(1, 2).contiguous())
    assert torch.equal(there.transpose(1, 2), draw(nn.DropHead(0.4), x))


def test_wrong_options_say_what_is_wanted():
    with pytest.raises(UserError, match="'rows'; 'row' or 'batch'"):
        nn.DropPath(0.1, mode="rows")
    with pytest.raises(UserError, match="head_dim 0"):
        F.drop_head(torch.ones(1, 2, 3, 4), head_dim=0)
