"""32-bit numbers: kernels against the definition in ``rng``, word by word."""

from __future__ import annotations

import pytest
import torch

from droplab import rng
from droplab.masks.key import Key
from droplab.masks.noise import normal, uniform

SHAPE = (3, 5, 29)  # more than one tile, and a piece of one


@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.parametrize("seed", [0, 2**64 - 3])
def test_uniforms_are_the_definition(seed, stream):
    drawn = uniform(torch.empty(SHAPE, dtype=torch.float64), key=Key(seed, 7, step=9, samples=4), stream=stream)
    wanted = [
        [rng.uniform(rng.word(seed, 7, 9, 4 + n, e, stream)) for e in range(5 * 29)] for n in range(3)
    ]  # fmt: skip
    assert drawn.reshape(3, -1).tolist() == wanted


def test_normals_are_the_definition():
    drawn = normal(torch.empty(SHAPE, dtype=torch.float64), key=Key(1, 2, samples=torch.tensor([8, 1, 5])))
    wanted = torch.empty(3, 5 * 29, dtype=torch.float64)
    for row, n in enumerate((8, 1, 5)):
        for e in range(5 * 29):
            tile = e - e % 64 + e % 16
            words = tuple(rng.word(1, 2, 0, n, tile + 16 * i) for i in range(4))
            wanted[row, e] = rng.normal(words, e % 64 // 16)
    torch.testing.assert_close(drawn.reshape(3, -1), wanted, rtol=1e-14, atol=1e-15)


def test_shared_dimensions_have_one_number():
    key = Key(1, 2)
    drawn = uniform(torch.empty(4, 3, 5, 2), key=key, shared=(2, 3))
    assert drawn.shape == (4, 3, 1, 1)
    assert torch.equal(drawn.flatten(1), uniform(torch.empty(4, 3), key=key))


def test_drop_in_follows_torchs_generator():
    like = torch.empty(1000)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first, second = normal(like), normal(like)
        torch.manual_seed(3)
        assert torch.equal(normal(like), first)
    assert not torch.equal(first, second)


def test_masks_and_numbers_of_one_key_are_unrelated():
    key, like = Key(1, 2, batch_dim=None), torch.empty(40_000, dtype=torch.float64)
    streams = [uniform(like, key=key, stream=stream) for stream in (1, 2)]
    mask = torch.tensor([rng.value(1, 2, 0, 0, e) / rng.FULL for e in range(4000)], dtype=torch.float64)
    for a, b in ((*streams,), (mask, streams[0][:4000]), (mask, streams[1][:4000])):
        assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < 4 / len(a) ** 0.5


def test_both_kinds_have_their_moments():
    key, like = Key(5, 2, batch_dim=None), torch.empty(1_000_000, dtype=torch.float64)
    u, z = uniform(like, key=key), normal(like, key=key)
    assert abs(u.mean() - 0.5) < 4 * (1 / 12 / len(u)) ** 0.5
    assert abs(z.mean()) < 4 / len(z) ** 0.5
    assert abs(z.var() - 1) < 4 * (2 / len(z)) ** 0.5
    assert abs((z**4).mean() - 3) < 4 * (96 / len(z)) ** 0.5
    pairs = z.view(-1, 4, 16)
    assert abs((pairs[:, 0] * pairs[:, 1]).mean()) < 4 / (len(z) / 4) ** 0.5
