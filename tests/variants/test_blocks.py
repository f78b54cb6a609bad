"""DropBlock: the nominal rate at every size and place, the mask against its naive definition, options, errors."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.nn import functional as torchs

from droplab import functional as F
from droplab import keyed, nn
from droplab.errors import RankError, UserError
from droplab.functional import Key
from droplab.masks.noise import uniform

KEY = Key(seed=3, layer="here")
DRAWS = 20_000


def naive(x, p, side, key):
    """Unit by unit: dropped where one of the seeds in reach has fallen."""
    space = x.shape[2:]
    gamma = 1 - (1 - p) ** (1 / side ** len(space))
    seeds = uniform(x, key=key, shape=(*x.shape[:2], *(size + side - 1 for size in space))) < gamma
    y = torch.empty_like(x)
    for n, c in itertools.product(range(x.shape[0]), range(x.shape[1])):
        for place in itertools.product(*map(range, space)):
            block = seeds[(n, c, *(slice(i, i + side) for i in place))]
            y[(n, c, *place)] = 0 if block.any() else x[(n, c, *place)] / (1 - p)
    return y


@pytest.mark.parametrize("side", [1, 2, 3, 5, 6, 7])
@pytest.mark.parametrize("space", [(5, 8), (1, 3), (3, 2, 4)])
def test_masks_are_the_naive_definition(side, space):
    x = torch.rand(3, 2, *space, dtype=torch.float64) + 1
    function = F.drop_block2d if len(space) == 2 else F.drop_block3d
    torch.testing.assert_close(function(x, 0.3, block_size=side, key=KEY), naive(x, 0.3, side, KEY))


@pytest.mark.parametrize("p", [0.05, 0.3])
@pytest.mark.parametrize("size", [1, 3, 7, 10])
def test_every_unit_is_dropped_at_the_nominal_rate(size, p):
    dropped = F.drop_block2d(torch.ones(DRAWS, 1, size, size), p, key=KEY) == 0
    error = (p * (1 - p) / DRAWS) ** 0.5
    assert ((dropped.float().mean(0) - p).abs() < 5 * error).all()


def test_cubes_are_dropped_at_the_nominal_rate():
    dropped = F.drop_block3d(torch.ones(DRAWS, 1, 2, 4, 3), 0.2, key=KEY) == 0
    assert ((dropped.float().mean(0) - 0.2).abs() < 5 * (0.2 * 0.8 / DRAWS) ** 0.5).all()


def test_where_blocks_fit_and_are_rare_the_paper_s_equation_agrees():
    """On a large map with a small rate, where that equation's assumptions hold."""
    p, side, size, draws = 0.01, 3, 60, 400
    gamma = p / side**2 * size**2 / (size - side + 1) ** 2
    seeds = torch.rand(draws, 1, size - 2, size - 2, generator=torch.Generator().manual_seed(0)) < gamma
    theirs = torchs.max_pool2d(torchs.pad(seeds.float(), [2] * 4), side, stride=1)
    ours = F.drop_block2d(torch.ones(draws, 1, size, size), p, block_size=side, key=KEY) == 0
    error = (side**2 * p / (draws * size**2)) ** 0.5  # units of a block are one draw
    assert abs(ours.float().mean() - theirs.mean()) < 4 * 2**0.5 * error + p**2 / 2  # blocks that overlap


def test_channels_share_a_mask_where_asked_for():
    x = torch.ones(50, 4, 6, 6)
    one = F.drop_block2d(x, 0.3, share_channels=True, key=KEY)
    assert torch.equal(one, one[:, :1].expand_as(one))
    assert abs((one == 0).float().mean() - 0.3) < 5 * (0.21 / 50) ** 0.5
    own = F.drop_block2d(x, 0.3, key=KEY)
    assert not torch.equal(own, own[:, :1].expand_as(own))


def test_counts_keep_each_sample_s_mean():
    x = torch.ones(200, 3, 6, 6, dtype=torch.float64)
    y = F.drop_block2d(x, 0.5, normalise="count", key=KEY)
    sums, alive = y.sum((1, 2, 3)), (y != 0).any(3).any(2).any(1)
    torch.testing.assert_close(sums, torch.where(alive, 108.0, 0.0).double())
    alone = F.drop_block2d(x[150:], 0.5, normalise="count", key=KEY._replace(samples=150))
    assert torch.equal(alone, y[150:])
    assert not F.drop_block2d(x, 1.0, normalise="count", key=KEY).any()
    assert not F.drop_block2d(x, 0.9999, normalise="count", block_size=20, key=KEY).isnan().any()


def test_layers_hand_their_options_on():
    x = torch.rand(4, 3, 8, 8) + 1
    layer = nn.DropBlock2d(0.4, block_size=3, share_channels=True, normalise="count")
    with keyed(torch.nn.ModuleDict({"drop": layer}), seed=3):
        y = layer(x)
    options = {"block_size": 3, "share_channels": True, "normalise": "count"}
    assert torch.equal(y, F.drop_block2d(x, 0.4, key=Key(3, "drop"), **options))
    volume = torch.rand(4, 3, 4, 4, 4) + 1
    layer = nn.DropBlock3d(0.4, block_size=2, share_channels=True, normalise="count")
    with keyed(torch.nn.ModuleDict({"drop": layer}), seed=3):
        y = layer(volume)
    assert torch.equal(y, F.drop_block3d(volume, 0.4, key=Key(3, "drop"), **{**options, "block_size": 2}))


def test_only_the_key_is_kept_for_backward():
    kept = []
    x = torch.ones(8, 3, 20, 20, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        y = F.drop_block2d(x, 0.3)
    (found,) = torch.autograd.grad(y.sum(), x)
    assert not kept
    assert torch.equal(found, y.detach())


def test_errors_say_what_is_wanted():
    for side in (0, -1, 2.5):
        with pytest.raises(UserError, match=f"block_size {side}; a whole number from 1"):
            nn.DropBlock2d(0.1, block_size=side)
        with pytest.raises(UserError, match=f"block_size {side}; a whole number from 1"):
            F.drop_block3d(torch.ones(1, 1, 2, 2, 2), 0.1, block_size=side)
    with pytest.raises(UserError, match="normalise 'sum'; 'rate' or 'count'"):
        nn.DropBlock3d(0.1, normalise="sum")
    with pytest.raises(RankError, match=r"drop_block2d got 3 dimensions; four, \(N, C, H, W\)"):
        F.drop_block2d(torch.ones(2, 2, 2))
    with pytest.raises(RankError, match=r"drop_block3d got 4 dimensions; five, \(N, C, D, H, W\)"):
        F.drop_block3d(torch.ones(2, 2, 2, 2))
