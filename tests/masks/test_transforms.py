"""torch.func: grad, jvp, vmap with every kind of randomness."""

from __future__ import annotations

import pytest
import torch
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

from droplab import functional as F
from droplab.errors import UserError
from droplab.functional import Key

from .calls import CALLS, KINDS, numbers

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


@pytest.mark.parametrize("name", KINDS)
def test_one_call_has_one_mask_in_jacobians_and_pullbacks(name):
    """Each row of a Jacobian is the gradient of one output under the mask of its call."""
    call, x = CALLS[name], numbers()
    if name == "embedding_dropout":
        return  # its numbers are looked up

    def summed(x, key):
        return call(x, key).sum((-1, -2))

    for key in (KEY, None):
        torch.manual_seed(1)
        found = jacrev(lambda x, key=key: summed(x, key))(x)
        torch.manual_seed(1)
        forward = jacfwd(lambda x, key=key: summed(x, key), randomness="same")(x)
        leaf = x.clone().requires_grad_()
        torch.manual_seed(1)
        if name == "attention" and key is None:
            return  # without a key and without a transform its masks are torch's own
        y = summed(leaf, key)
        rows = torch.eye(y.numel(), dtype=x.dtype).reshape(-1, *y.shape)
        one = torch.stack([torch.autograd.grad(y, leaf, row, retain_graph=True)[0] for row in rows])
        wanted = one.reshape(*y.shape, *x.shape)
        for jacobian in (
            found,
            forward,
            torch.autograd.grad(y, leaf, rows, retain_graph=True, is_grads_batched=True)[0].reshape(wanted.shape),
            vmap(lambda row, y=y, leaf=leaf: torch.autograd.grad(y, leaf, row, retain_graph=True)[0])(rows)
            .reshape(wanted.shape),
        ):  # fmt: skip
            torch.testing.assert_close(jacobian, wanted, rtol=1e-12, atol=1e-12)


def test_the_jacobian_of_a_drop_in_mask_has_equal_rows_for_equal_outputs():
    found = jacrev(lambda x: torch.ones(2, 4) @ F.dropout(x, 0.5))(torch.ones(4))
    assert torch.equal(found[0], found[1])
    twice = jacrev(jacrev(lambda x: F.dropout(x, 0.5).square().sum()))(torch.ones(8))
    assert torch.equal(twice, torch.diag(twice.diagonal()))
    assert set(twice.diagonal().tolist()) == {0.0, 8.0}
    keyed = hessian(lambda x: F.dropout(x, 0.5, key=KEY._replace(batch_dim=None)).square().sum())(torch.ones(8))
    assert set(keyed.diagonal().tolist()) == {0.0, 8.0}
    with pytest.raises(RuntimeError, match=r"randomness error mode.*hand a key"):  # as torch's; jacfwd takes randomness
        hessian(lambda x: F.dropout(x, 0.5).square().sum())(torch.ones(8))


@pytest.mark.parametrize("name", KINDS)
def test_randomness_is_honoured_whether_the_input_is_batched_or_not(name):
    call, x = CALLS[name], numbers()
    members = 24 if name == "drop_path_batch" else 6  # one coin for a whole call, so two outcomes
    many = torch.stack([x] * members)
    for over, member in ((torch.arange(members), lambda _: x), (many, lambda x: x)):
        same = vmap(lambda v, member=member: call(member(v), None), randomness="same")(over)
        assert all(torch.equal(row, same[0]) for row in same)
        torch.manual_seed(0)
        different = vmap(lambda v, member=member: call(member(v), None), randomness="different")(over)
        outcomes = len({tuple(row.flatten().tolist()) for row in different})
        assert outcomes == 2 if name == "drop_path_batch" else outcomes > 2
        with pytest.raises(RuntimeError, match=r"randomness error mode.*hand a key"):
            vmap(lambda v, member=member: call(member(v), None))(over)
    keyed = vmap(lambda x: call(x, KEY))(torch.stack([x, 2 * x]))
    torch.testing.assert_close(keyed[1], call(2 * x, KEY), rtol=1e-12, atol=1e-12)


def test_a_transform_draws_the_mask_that_eager_mode_draws():
    x = torch.ones(500)
    for seed in range(5):
        torch.manual_seed(seed)
        wanted = F.dropout(x, 0.5)
        torch.manual_seed(seed)
        assert torch.equal(grad(lambda x: F.dropout(x, 0.5).sum())(x), wanted)


def test_five_members_of_an_ensemble_have_five_masks():
    found = vmap(lambda _: F.dropout(torch.ones(64), 0.5), randomness="different")(torch.arange(5))
    assert len({tuple(row.tolist()) for row in found}) == 5


def test_a_pullback_has_the_key_of_its_forward_pass():
    step = torch.tensor(3)
    x = torch.ones(50)
    y, pull = vjp(lambda x: F.dropout(x, 0.5, key=Key(1, "a", step, batch_dim=None)), x)
    step.fill_(4)
    assert torch.equal(pull(x)[0], y)


def test_a_gradient_wanted_of_a_rate_is_refused_by_name():
    x = torch.ones(8)
    rate = torch.tensor(0.5)
    for wanted in (
        lambda: F.dropout(x, rate.clone().requires_grad_()),
        lambda: F.drop_path(x, torch.nn.Parameter(rate.clone())),
        lambda: F.gaussian_dropout(x, rate.clone().requires_grad_()),
        lambda: grad(lambda p: F.dropout(x, p).sum())(rate),
        lambda: jvp(lambda p: F.dropout(x, p, key=KEY), (rate,), (rate,)),
        lambda: jacfwd(lambda p: F.zoneout(x, x, p, key=KEY))(rate),
    ):
        with pytest.raises(UserError, match=r"a gradient or tangent is wanted.*p\.detach\(\).*concrete_dropout"):
            wanted()
    learned = rate.clone().requires_grad_()
    with torch.no_grad():
        F.dropout(x, learned)
    F.dropout(x, learned.detach()).sum()
    F.gaussian_noise(x, learned, key=KEY).sum().backward()  # whose formula has one
    assert learned.grad != 0
    torch.testing.assert_close(grad(lambda p: F.zoneout(x, 0 * x, p, training=False).sum())(rate), torch.tensor(-8.0))
    assert vmap(lambda p: F.dropout(x, p, key=KEY))(torch.tensor([0.0, 1.0])).sum() == 8
