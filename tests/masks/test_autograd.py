"""Under autograd: gradients, their gradients, tangents, in place, nothing kept; the naive mask is the judge."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from droplab import functional as F
from droplab.errors import UserError
from droplab.functional import Key
from droplab.kernels import Job, Law, reference

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # torch.func's own

KEY = Key(seed=11, layer="here", step=4)
LAYOUTS = {
    "contiguous": lambda: torch.randn(5, 7, 9, dtype=torch.float64),
    "transposed": lambda: torch.randn(9, 7, 5, dtype=torch.float64).permute(2, 1, 0),
    "sliced": lambda: torch.randn(5, 14, 9, dtype=torch.float64)[:, ::2],
    "expanded": lambda: torch.randn(5, 1, 9, dtype=torch.float64).expand(5, 7, 9),
}


def naive(x, p, shared=(), law=Law.PLAIN):
    """Mask as a tensor, multiplication, autograd's own derivatives."""
    job = Job(p, KEY.seed, KEY.step, KEY.layer_id, 0, 0, shared, law)
    keep = reference.keep(tuple(x.shape), job, x.device)
    a, b, c = law.coefficients(round(p * 65536))
    return torch.where(keep, a * x + b, torch.full_like(x, c))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shared", [(), (1,), (1, 2), (2,)])
@pytest.mark.parametrize("law", [Law.PLAIN, Law.ALPHA])
def test_values_and_gradients_equal_the_naive_mask(layout, shared, law):
    torch.manual_seed(0)
    x = LAYOUTS[layout]().requires_grad_()
    weight = torch.randn(5, 7, 9, dtype=torch.float64)
    ours, theirs = F.drop(x, 0.25, key=KEY, shared=shared, law=law), naive(x, 0.25, shared, law)
    torch.testing.assert_close(ours, theirs, rtol=1e-15, atol=0)
    found = torch.autograd.grad((ours * weight).sum(), x)[0]
    torch.testing.assert_close(found, torch.autograd.grad((theirs * weight).sum(), x)[0], rtol=1e-15, atol=0)


@pytest.mark.parametrize("function", [F.dropout, F.dropout1d, F.alpha_dropout, F.feature_alpha_dropout])
def test_numeric_derivatives_of_first_and_second_order_and_tangents(function):
    torch.manual_seed(1)
    x = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)

    def call(x):
        return function(x, 0.3, True, key=KEY)

    assert gradcheck(call, x, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(lambda x: call(x) ** 3, x)


def test_derivatives_of_the_fused_addition():
    torch.manual_seed(2)
    x, residual = (torch.randn(3, 5, dtype=torch.float64, requires_grad=True) for _ in range(2))

    def call(x, residual):
        return F.dropout_add(x, residual, 0.4, key=KEY)

    torch.testing.assert_close(call(x, residual), F.dropout(x, 0.4, key=KEY) + residual, rtol=0, atol=1e-15)
    assert gradcheck(call, (x, residual), check_forward_ad=True)
    assert gradgradcheck(lambda x, r: call(x, r) ** 2, (x, residual))


@pytest.mark.parametrize("seed", range(3))
def test_a_drop_in_mask_is_the_same_forward_and_backward(seed):
    torch.manual_seed(seed)
    x = torch.ones(1001, requires_grad=True)
    y = F.dropout(x, 0.5)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    torch.manual_seed(seed)
    assert torch.equal(F.dropout(x, 0.5), y)
    assert not torch.equal(F.dropout(x, 0.5), y)


def test_generator_states_are_saved_and_restored():
    state = torch.get_rng_state()
    first = F.dropout(torch.ones(100), 0.5)
    torch.set_rng_state(state)
    assert torch.equal(F.dropout(torch.ones(100), 0.5), first)


@pytest.mark.parametrize("call", [lambda x: F.dropout(x, 0.5), lambda x: F.dropout_add(x, x * 2, 0.5)])
def test_nothing_is_kept_for_backward(call):
    kept = []
    x = torch.randn(4096, requires_grad=True)
    y = x * 1.0
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        call(y)
    assert [t for t in kept if t.numel() >= 4096 and t.data_ptr() != y.data_ptr()] == []


def test_the_hooks_would_see_torchs_mask():
    """The test above could fail: torch's own dropout keeps a mask of the input's size."""
    kept = []
    x = torch.randn(4096, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        nn.functional.dropout(x, 0.5)
    assert [t.numel() for t in kept] == [4096]


def test_p_one_gives_zeros_and_finite_gradients_even_for_infinity():
    x = torch.tensor([1.0, float("inf"), float("nan")], requires_grad=True)
    y = F.dropout(x, 1.0)
    y.sum().backward()
    assert y.tolist() == [0, 0, 0]
    assert x.grad.tolist() == [0, 0, 0]


def test_p_zero_and_eval_return_the_object_itself():
    x = torch.ones(3)
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, training=False) is x


def test_in_place_writes_and_differentiates():
    leaf = torch.ones(200, requires_grad=True)
    x = leaf * 2
    y = F.dropout(x, 0.5, inplace=True)
    assert y is x
    y.sum().backward()
    assert torch.equal(leaf.grad, y.detach())


def test_in_place_on_a_leaf_is_refused_as_torch_does():
    texts = []
    for function in (nn.functional.dropout, F.dropout):
        leaf = torch.ones(3, requires_grad=True)
        with pytest.raises(RuntimeError) as error:
            function(leaf, 0.5, inplace=True)
        texts.append(str(error.value))
        assert leaf.tolist() == [1, 1, 1]
    assert texts[0] == texts[1]


def test_in_place_is_seen_by_autograds_version_check():
    x = torch.randn(5, requires_grad=True)
    y = x.exp()
    z = y * 1.0
    with torch.no_grad():
        F.dropout(y, 0.5, inplace=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        (y + z).sum().backward()


def test_tangents_in_dual_numbers():
    with forward_ad.dual_level():
        for inplace in (False, True):
            dual = forward_ad.make_dual(torch.ones(50), torch.full((50,), 3.0))
            primal, tangent = forward_ad.unpack_dual(F.dropout(dual, 0.5, inplace=inplace))
            assert torch.equal(tangent, 3 * primal)
            assert 0 < int((primal == 0).sum()) < 50


def test_autocast_leaves_the_dtype_alone():
    with torch.autocast("cpu", torch.bfloat16):
        assert F.dropout(torch.ones(4), 0.5).dtype is torch.float32
        assert F.dropout(torch.ones(4, dtype=torch.bfloat16), 0.5).dtype is torch.bfloat16


def test_inference_mode():
    with torch.inference_mode():
        x = torch.ones(8)
        assert F.dropout(x, 1.0, inplace=True) is x
        assert x.sum() == 0


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
@pytest.mark.parametrize(
    "function", [F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout]
)
def test_rates_outside_are_refused(function, p):
    with pytest.raises(ValueError, match=r"has to be between 0 and 1, but got"):
        function(torch.ones(1, 2, 3, 4), p)


def test_what_cannot_be_scaled_is_refused():
    with pytest.raises(UserError, match=r"torch.int64.*input.float"):
        F.dropout(torch.ones(3, dtype=torch.int64), 0.5)
    with pytest.raises(UserError, match="0-d floating"):
        F.dropout(torch.ones(3), torch.ones(2))
    with pytest.raises(UserError, match=r"\(3,\).*\(4,\)"):
        F.dropout_add(torch.ones(3), torch.ones(4), 0.5)
