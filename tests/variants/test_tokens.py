"""Tokens, patches and words that are dropped, beside what ``LayerContract`` covers."""

from __future__ import annotations

import pytest
import torch

from droplab import functional as F
from droplab import keyed, nn
from droplab.errors import RankError, UserError
from droplab.functional import Key
from droplab.masks.noise import uniform

KEY = Key(seed=3, layer="here")
X = torch.rand(5, 9, 4, dtype=torch.float64) + 1


def draw(layer, x, **key):
    with keyed(torch.nn.ModuleDict({"drop": layer}), seed=3, **key):
        return layer(x)


def test_tokens_are_dropped_whole():
    y = F.token_dropout(X, 0.4, key=KEY)
    kept = (y != 0).all(2)
    assert torch.equal(kept, (y != 0).any(2))
    assert 0 < kept.sum() < kept.numel()
    torch.testing.assert_close(y, X * kept.unsqueeze(2) / 0.6, rtol=1e-4, atol=0)


def test_a_prefix_of_tokens_stays_as_it_is():
    y = draw(nn.TokenDropout(0.9, prefix=2), X)
    assert torch.equal(y[:, :2], X[:, :2])
    assert torch.equal(y[:, 2:], F.token_dropout(X[:, 2:], 0.9, key=Key(3, "drop")))
    assert F.token_dropout(X, 0.0, prefix=2) is X
    assert torch.equal(F.token_dropout(X, 1.0, prefix=9), X)


@pytest.mark.parametrize("prefix", [0, 1, 3])
@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.99, 1.0])
def test_patches_are_those_with_the_smallest_numbers_in_their_order(prefix, p):
    y = F.patch_dropout(X, p, prefix=prefix, key=KEY)
    count = 9 - prefix
    kept = max(1, int((1 - p) * count + 0.5))
    assert y.shape == (5, prefix + kept, 4)
    assert torch.equal(y[:, :prefix], X[:, :prefix])
    numbers = uniform(X, key=KEY, shape=(5, count))
    for n in range(5):
        smallest = sorted(sorted(range(count), key=lambda t: float(numbers[n, t]))[:kept])
        assert torch.equal(y[n, prefix:], X[n, prefix:][smallest])


def test_each_patch_is_kept_as_often_as_any_other():
    draws = 20_000
    numbers = torch.arange(10.0).view(1, 10, 1).expand(draws, 10, 1)
    kept = F.patch_dropout(numbers, 0.3, key=KEY)
    share = kept.flatten().long().bincount(minlength=10) / draws
    assert (abs(share - 0.7) < 5 * (0.21 / draws) ** 0.5).all()


def test_patches_leave_eval_and_what_is_too_short_alone():
    layer = nn.PatchDropout(0.5, prefix=1)
    assert layer.eval()(X) is X
    assert F.patch_dropout(X[:, :1], 0.5, prefix=1) is not None
    assert F.patch_dropout(X[:, :1], 0.5, prefix=1).shape == (5, 1, 4)
    assert draw(layer.train(), X).shape == (5, 5, 4)


def test_patches_pass_gradients_to_those_kept_only():
    x = X.clone().requires_grad_()
    y = F.patch_dropout(x, 0.5, key=KEY)
    (grad,) = torch.autograd.grad(y.sum(), x)
    assert grad.sum() == y.numel()
    assert set(grad.unique().tolist()) == {0.0, 1.0}


def test_a_word_is_dropped_wherever_it_stands():
    weight = torch.rand(50, 3) + 1
    ids = torch.randint(0, 50, (40, 30), generator=torch.Generator().manual_seed(0))
    y = F.embedding_dropout(ids, weight, 0.4, key=KEY)
    mask = F.dropout(torch.ones(50), 0.4, key=KEY._replace(batch_dim=None))
    torch.testing.assert_close(y, (weight * mask.unsqueeze(1))[ids])
    assert 0 < (mask == 0).sum() < 50
    halves = [F.embedding_dropout(ids[part], weight, 0.4, key=KEY._replace(samples=part)) for part in (
        torch.arange(20), torch.arange(20, 40))]  # fmt: skip
    assert torch.equal(torch.cat(halves), y)


@pytest.mark.parametrize("sparse", [False, True])
def test_an_embedding_is_adopted_with_all_that_it_is(sparse):
    words = torch.nn.Embedding(20, 3, padding_idx=2, max_norm=1.0, scale_grad_by_freq=not sparse, sparse=sparse)
    words.eval()
    state = {name: value.clone() for name, value in words.state_dict().items()}
    layer = nn.EmbeddingDropout.adopt(words, 0.5)
    assert layer.weight is words.weight
    assert not layer.training
    assert list(layer.state_dict()) == list(state) == ["weight"]
    layer.load_state_dict(state)
    for option in ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"):
        assert getattr(layer, option) == getattr(words, option)
    ids = torch.tensor([[1, 2, 5, 5], [7, 5, 0, 19]])
    assert torch.equal(layer(ids), words(ids))
    grads = []
    for module in (words, layer.train()):
        module.weight.grad = None
        module.p = 0.0
        module(ids).sum().backward()
        assert module.weight.grad.is_sparse == sparse
        grads.append(module.weight.grad.to_dense())
    assert torch.equal(*grads)
    layer.p = 0.5
    layer.weight.grad = None
    y = draw(layer, ids)
    y.sum().backward()
    seen = layer.weight.grad.to_dense()[ids].any(2) | (ids == 2)
    assert torch.equal(seen, (y != 0).any(2) | (ids == 2))
    frozen = torch.nn.Embedding(3, 2).requires_grad_(requires_grad=False)
    assert not nn.EmbeddingDropout.adopt(frozen, 0.5).weight.requires_grad


def test_errors_say_what_is_wanted():
    for make in (nn.TokenDropout, nn.PatchDropout):
        with pytest.raises(UserError, match=f"{make.__name__} got prefix -1; a number of tokens"):
            make(0.1, prefix=-1)
    with pytest.raises(RankError, match=r"token_dropout got 2 dimensions; three, \(N, T, D\)"):
        F.token_dropout(torch.ones(2, 2))
    with pytest.raises(RankError, match=r"patch_dropout got 4 dimensions; three, \(N, T, D\)"):
        F.patch_dropout(torch.ones(2, 2, 2, 2))
    with pytest.raises(UserError, match=r"words of dtype torch.float32; numbers of words, int64"):
        nn.EmbeddingDropout(3, 2)(torch.ones(2))
