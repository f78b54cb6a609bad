"""Attention: torch's own as the judge, masks on the probabilities, train and eval, halves, errors."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention as torchs

from droplab import functional as F
from droplab import keyed, nn
from droplab.errors import RankError, UserError
from droplab.functional import Key

KEY = Key(seed=3, layer="here")


def inputs(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shapes = ((3, 2, 5, 4), (3, 2, 7, 4), (3, 2, 7, 6))
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]


SEEN = torch.rand(3, 1, 5, 7, generator=torch.Generator().manual_seed(1)) < 0.6
SEEN[..., 0] = True
OPTIONS = {
    "plain": {},
    "scale": {"scale": 0.3},
    "causal": {"is_causal": True},
    "booleans": {"attn_mask": SEEN},
    "numbers": {"attn_mask": torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(2))},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_explicit_way_is_torch_s_attention(name):
    """With nothing dropped: p is a tensor, so the explicit way is taken."""
    q, k, v = inputs()
    nothing = torch.tensor(0.0, dtype=torch.float64)
    found, wanted = F.attention(q, k, v, nothing, **OPTIONS[name]), torchs(q, k, v, **OPTIONS[name])
    torch.testing.assert_close(found, wanted)
    for a, b in zip(*(torch.autograd.grad(y.square().sum(), (q, k, v)) for y in (found, wanted)), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", OPTIONS)
def test_masks_are_those_of_dropout_on_the_probabilities(name):
    q, k, v = inputs()
    one_hot = torch.eye(7, dtype=torch.float64).expand(3, 2, 7, 7)
    probabilities = torchs(q, k, one_hot, **OPTIONS[name])
    wanted = F.dropout(probabilities, 0.4, key=KEY) @ v
    torch.testing.assert_close(F.attention(q, k, v, 0.4, key=KEY, **OPTIONS[name]), wanted)


def test_what_sees_nothing_is_zero_as_torch_s():
    q, k, v = inputs()
    mask = torch.ones(5, 7, dtype=torch.bool)
    mask[2] = False
    found = F.attention(q, k, v, 0.4, key=KEY, attn_mask=mask)
    assert not found[:, :, 2].any()
    assert not torchs(q, k, v, attn_mask=mask)[:, :, 2].any()
    grads = torch.autograd.grad(found.sum(), (q, k, v))
    assert all(grad.isfinite().all() for grad in grads)


def test_without_a_key_torch_s_own_masks_are_used():
    q, k, v = inputs()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        found = F.attention(q, k, v, 0.4)
        torch.manual_seed(5)
        assert torch.equal(found, torchs(q, k, v, dropout_p=0.4))
    assert not F.attention(q, k, v, 1.0).any()


def test_eval_is_attention_without_dropout():
    """What a bare call with dropout_p=self.p gets wrong."""
    q, k, v = inputs()
    layer = nn.AttentionDropout(0.5).eval()
    assert torch.equal(layer(q, k, v), torchs(q, k, v))
    assert torch.equal(F.attention(q, k, v, 0.5, training=False, key=KEY), torchs(q, k, v))
    assert not torch.equal(layer.train()(q, k, v), torchs(q, k, v))


def test_layers_hand_their_options_on():
    q, k, v = inputs()
    layer = nn.AttentionDropout(0.5)
    for options in OPTIONS.values():
        with keyed(torch.nn.ModuleDict({"drop": layer}), seed=3):
            found = layer(q, k, v, **options)
        assert torch.equal(found, F.attention(q, k, v, 0.5, key=Key(3, "drop"), **options))
    assert torch.equal(layer.eval()(q, k), torchs(q, k, k))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_halves_are_rounded_once(dtype):
    q, k, v = inputs(dtype)
    wanted = F.attention(q.float(), k.float(), v.float(), 0.4, key=KEY).to(dtype)
    assert torch.equal(F.attention(q, k, v, 0.4, key=KEY), wanted)


def test_errors_say_what_is_wanted():
    q, k, v = inputs()
    for arguments in ((q[0], k, v), (q, k[0], v), (q, k, v[0])):
        with pytest.raises(RankError, match=r"attention got 3 dimensions; four, \(N, H, T, D\)"):
            F.attention(*arguments)
    with pytest.raises(UserError, match="both attn_mask and is_causal"):
        F.attention(q, k, v, 0.4, key=KEY, attn_mask=SEEN, is_causal=True)


@pytest.mark.parametrize("numbers", [False, True])
def test_a_place_that_sees_nothing_is_zero_with_zero_gradients(numbers):
    query, keys, values = (torch.randn(1, 2, 3, 4, requires_grad=True) for _ in range(3))
    mask = torch.ones(3, 3, dtype=torch.bool)
    mask[1] = False
    if numbers:
        mask = torch.zeros(3, 3).masked_fill(~mask, -torch.inf)
    wanted = torch.nn.functional.scaled_dot_product_attention(query, keys, values, mask)
    key = F.Key(seed=0, layer="attention")
    found = F.attention(query, keys, values, torch.tensor(0.0), attn_mask=mask, key=key)
    torch.testing.assert_close(found, wanted)
    for one, other in zip(*(torch.autograd.grad(y.sum(), (query, keys, values)) for y in (found, wanted)), strict=True):
        torch.testing.assert_close(one, other)


def test_keyed_halves_are_rounded_once_under_autocast_too():
    x, key = torch.randn(1, 2, 5, 4).bfloat16(), F.Key(seed=0, layer="attention")
    wanted = F.attention(x, x, x, 0.3, key=key)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(F.attention(x, x, x, 0.3, key=key), wanted)
