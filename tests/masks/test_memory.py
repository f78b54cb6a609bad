"""What a kernel is pointed to: views with the negative bit, tensors without memory, wrappers."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.testing._internal.two_tensor import TwoTensor

from droplab import functional as F
from droplab import kernels
from droplab.errors import UserError
from droplab.functional import Key
from droplab.kernels import Job

from .calls import CALLS, KINDS, numbers

pytestmark = pytest.mark.filterwarnings("ignore:.*(Sparse|nested tensors|torch.jit).*:Warning")

KEY = Key(seed=11, layer="here", step=4)


def negative(x):
    """The same numbers as a view with the negative bit: what lies in memory has the other sign."""
    view = torch.complex(torch.zeros_like(x), -x).conj().imag
    assert view.is_neg()
    assert torch.equal(view, x)
    return view


def same(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", KINDS)
def test_inputs_and_gradients_with_the_negative_bit(name):
    call, x = CALLS[name], numbers()
    same(call(negative(x), KEY), call(x, KEY))
    leaf = x.clone().requires_grad_()
    y = call(leaf, KEY)
    grad = torch.rand(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(0))
    wanted = torch.autograd.grad(y, leaf, grad, retain_graph=True)[0]
    same(torch.autograd.grad(y, leaf, negative(grad), retain_graph=True)[0], wanted)
    both = torch.autograd.grad(y, leaf, TwoTensor(grad, 2 * grad))[0]  # a segmentation fault once
    same(both.a, wanted)
    same(both.b, 2 * wanted)


@pytest.mark.parametrize("name", KINDS)
def test_wrappers_are_dropped_part_by_part(name):
    call, x = CALLS[name], numbers()
    both = call(TwoTensor(x, 3 * x), KEY)
    same(both.a, call(x, KEY))
    if name not in {"concrete_dropout", "standout", "layer_drop"}:  # those are not linear
        assert both.b.shape == both.a.shape
    same(both.b, call(3 * x, KEY))


@pytest.mark.parametrize("backend", ["numba", "reference"])
def test_kernels_themselves_read_what_a_tensor_says(backend):
    x = torch.linspace(1, 2, 24).reshape(4, 6)
    job = Job(0.5, 3, 1, 2, 0, 0)
    wanted, added = torch.empty_like(x), torch.empty_like(x)
    kernels.apply(x, wanted, job)
    kernels.apply(x, added, job, x)
    with kernels.backend(backend):
        for residual, right in ((None, wanted), (negative(x), added)):
            out = torch.empty_like(x)
            kernels.apply(negative(x), out, job, residual)
            assert torch.equal(out, right)
        place = negative(x)
        kernels.apply(place, place, job)
        assert torch.equal(place, wanted)
        kernels.apply(torch._efficientzerotensor(x.shape), out, job)
        assert not out.any()


def test_in_place_on_the_negative_bit():
    x = numbers()
    place = negative(x.clone())
    assert F.dropout(place, 0.5, inplace=True, key=KEY) is place
    assert torch.equal(place, F.dropout(x, 0.5, key=KEY))


def test_residuals_weights_and_tangents():
    x, weight = numbers(), torch.linspace(1, 2, 15, dtype=torch.float64).reshape(3, 5)
    same(F.dropout_add(x, negative(x), 0.5, key=KEY), F.dropout_add(x, x, 0.5, key=KEY))
    same(F.drop_connect(x, negative(weight), key=KEY), F.drop_connect(x, weight, key=KEY))
    wanted = F.dropout(x, 0.5, key=KEY)
    with forward_ad.dual_level():
        for tangent, right in ((negative(x), wanted), (torch._efficientzerotensor(x.shape, dtype=x.dtype), 0 * x)):
            dual = forward_ad.unpack_dual(F.dropout(forward_ad.make_dual(x, tangent), 0.5, key=KEY))
            assert torch.equal(dual.primal, wanted)
            assert torch.equal(dual.tangent, right)


def test_a_subclass_without_memory_of_its_own_law_stays_one():
    class Named(torch.Tensor):
        pass

    x = numbers().as_subclass(Named)
    y = F.dropout(x, 0.5, key=KEY)
    assert type(y) is Named
    assert torch.equal(y.as_subclass(torch.Tensor), F.dropout(numbers(), 0.5, key=KEY))
    assert F.dropout(x, 0.5, inplace=True, key=KEY) is x
    assert torch.equal(x.as_subclass(torch.Tensor), y.as_subclass(torch.Tensor))


def test_sparse_gradients_arrive_masked():
    weight = torch.ones(6, 4, requires_grad=True)
    masked = F.weight_drop(weight, 0.5, key=KEY)
    nn.functional.embedding(torch.tensor([1, 3, 3]), masked, sparse=True).sum().backward()
    counts = torch.tensor([0.0, 1, 0, 2, 0, 0])[:, None]
    assert torch.equal(weight.grad, masked.detach() * counts)


def nested(x, layout=torch.jagged):
    return torch.nested.nested_tensor([x, x[:2]], layout=layout)


STRANGE = {
    "sparse": (torch.Tensor.to_sparse, r"layout torch.sparse_coo.*to_dense"),
    "csr": (torch.Tensor.to_sparse_csr, r"layout torch.sparse_csr.*to_dense"),
    "mkldnn": (torch.Tensor.to_mkldnn, r"layout torch._mkldnn"),
    "nested": (nested, r"nested_tensor_from_jagged"),
    "nested, strided": (lambda x: nested(x, torch.strided), r"nested_tensor_from_jagged"),
}


@pytest.mark.parametrize("function", ["dropout", "gaussian_dropout", "drop_path", "alpha_dropout"])
@pytest.mark.parametrize("kind", STRANGE)
def test_layouts_that_have_no_dropout_are_refused_by_name(kind, function):
    make, said = STRANGE[kind]
    x = make(torch.ones(4, 3))
    call = getattr(F, function)
    for key in (None, KEY):
        with pytest.raises(UserError, match=rf"(?s)^{'dropout|' + function}.*{said}"):
            call(x, 0.5, True, key=key)
    values = nested(torch.ones(4, 3))
    again = torch.nested.nested_tensor_from_jagged(call(values.values(), 0.5, True), values.offsets())
    assert again.shape == values.shape  # the way out that the message shows


def test_distributed_tensors_are_refused_by_name(tmp_path):
    distributed = pytest.importorskip("torch.distributed.tensor")
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (1,))
        x = distributed.distribute_tensor(torch.ones(4, 4), mesh, [distributed.Replicate()])
        for function in (F.dropout, F.gaussian_dropout):
            with pytest.raises(UserError, match=r"got a DTensor.*to_local\(\)"):
                function(x, 0.5)
        assert F.dropout(x.to_local(), 1.0).sum() == 0
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize("name", KINDS)
def test_meta_tensors_have_the_shape_of_the_result(name):
    call, x = CALLS[name], numbers()
    for key in (KEY, None):
        found = call(x.to("meta"), key)
        assert found.is_meta
        if not name.startswith("unit") or key is not None:
            assert found.shape == call(x, key).shape
