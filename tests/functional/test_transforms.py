"""torch.func: grad, jvp, vmap with every kind of randomness."""

from __future__ import annotations

import pytest
import torch
from torch.func import grad, jvp, vmap

from droplab import functional as F
from droplab.functional import Key

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # torch.func's own

KEY = Key(seed=11, layer="here", step=4)


def test_grad_and_jvp():
    x = torch.randn(4, 6)
    y = F.dropout(x, 0.5, key=KEY)
    assert torch.equal(grad(lambda x: F.dropout(x, 0.5, key=KEY).sum())(x) * x, y)
    primal, tangent = jvp(lambda x: F.dropout(x, 0.5, key=KEY), (x,), (2 * x,))
    assert torch.equal(primal, y)
    assert torch.equal(tangent, 2 * y)


def test_vmap_honours_randomness():
    x = torch.ones(6, 64)
    same = vmap(lambda x: F.dropout(x, 0.5), randomness="same")(x)
    assert (same == same[0]).all()
    different = vmap(lambda x: F.dropout(x, 0.5), randomness="different")(x)
    assert len({tuple(row.tolist()) for row in different}) == 6
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(lambda x: F.dropout(x, 0.5))(x)


def test_gradients_for_each_sample_follow_their_masks():
    x = torch.ones(6, 64)
    for randomness in ("same", "different"):
        found = vmap(grad(lambda x: (F.dropout(x, 0.5) ** 2).sum() / 4), randomness=randomness)(x)
        assert set(found.unique().tolist()) == {0.0, 2.0}


def test_samples_under_vmap_are_the_samples_of_a_batch():
    x, ids = torch.randn(5, 3, 7), torch.tensor([9, 2, 40, 2**31, 7])
    whole = F.dropout(x, 0.5, key=KEY._replace(samples=ids))
    single = vmap(lambda x, n: F.dropout(x, 0.5, key=KEY._replace(samples=n, batch_dim=None)))(x, ids)
    assert torch.equal(whole, single)


def test_a_key_is_shared_by_members_and_may_be_their_own():
    x = torch.ones(4, 50)
    one = F.dropout(x[0], 0.5, key=KEY._replace(batch_dim=None))
    assert all(torch.equal(row, one) for row in vmap(lambda x: F.dropout(x, 0.5, key=KEY._replace(batch_dim=None)))(x))
    seeds = torch.arange(4)
    own = vmap(lambda s: F.dropout(x[0], 0.5, key=KEY._replace(seed=s, batch_dim=None)))(seeds)
    for seed in range(4):
        assert torch.equal(own[seed], F.dropout(x[0], 0.5, key=KEY._replace(seed=seed, batch_dim=None)))


def test_shared_dimensions_and_in_place_under_vmap():
    x = torch.ones(3, 2, 4, 5)
    found = vmap(lambda x: F.dropout2d(x.clone(), 0.5, inplace=True), randomness="different")(x.unsqueeze(1))
    assert (found == found[..., :1, :1]).all()
