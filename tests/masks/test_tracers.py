"""Tracers that are not Dynamo, and dispatch modes: the operator is recorded, never memory that was not written."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.func import functionalize, grad, jvp, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import droplab
from droplab import functional as F
from droplab.errors import UserError
from droplab.functional import Key

from .calls import CALLS, KINDS, numbers

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning:torch")

KEY = Key(seed=11, layer="here", step=4)


def same(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


class Seen(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", KINDS)
def test_make_fx_records_what_draws(name):
    call, x = CALLS[name], numbers()
    traced = make_fx(lambda x: call(x, KEY))(x)
    same(traced(x), call(x, KEY))
    same(traced(-x), call(-x, KEY))
    gradient = grad(lambda x: call(x, KEY).square().sum())
    same(make_fx(gradient)(x)(-x), gradient(-x))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", CALLS)
def test_torch_jit_trace_is_refused_as_masks_would_become_constants(name):
    for key in (KEY, None)[: 1 if name == "attention" else 2]:  # without a key, torch's own attention draws
        for x in (numbers(), numbers().requires_grad_()):
            with pytest.raises(UserError, match=r"torch\.jit\.trace"):
                torch.jit.trace(lambda x, key=key: CALLS[name](x, key), x, check_trace=False)


def test_torch_jit_trace_takes_evaluation():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), droplab.nn.Dropout(0.5)).eval()
    x = torch.ones(2, 3)
    same(torch.jit.trace(model, x)(-x), model(-x))


def test_onnx_is_told_what_it_cannot_have(monkeypatch):
    """Its exporter looks at fake tensors first; the flag is set while it works."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), droplab.nn.Dropout(0.5))
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)
    with pytest.raises(UserError, match=r"ONNX .* model\.eval"):
        torch.export.export(model, (torch.ones(2, 3),), strict=False)
    torch.export.export(model.eval(), (torch.ones(2, 3),), strict=False)


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_every_mode_of_make_fx(mode):
    x = numbers()
    for call in (CALLS["dropout"], CALLS["gaussian_dropout"], CALLS["dropout_add"]):
        traced = make_fx(partial(call, key=KEY), tracing_mode=mode)(x)
        same(traced(x), call(x, KEY))
        anew = make_fx(partial(call, key=None), tracing_mode=mode)(x)
        torch.manual_seed(1)
        first, second = anew(x), anew(x)
        torch.manual_seed(1)
        same(first, call(x, None))
        assert not torch.equal(first, second), "the seed became a constant"


def test_a_backward_pass_and_plain_autograd_are_recorded():
    x = numbers().requires_grad_()

    def step(x):
        return torch.autograd.grad(F.dropout(x, 0.5, key=KEY).square().sum(), x)[0]

    traced = make_fx(step)(x)
    assert "droplab.mask" in traced.code
    same(traced(2 * x), step(2 * x))
    y = F.dropout(x, 0.5, key=KEY)  # recorded from here on only
    later = make_fx(lambda g: torch.autograd.grad(y, x, g, retain_graph=True)[0])(torch.ones_like(y))
    same(later(3 * torch.ones_like(y)), 3 * F.dropout(torch.ones_like(x), 0.5, key=KEY))


def test_transforms_are_recorded():
    x = numbers()
    for transformed in (
        vmap(lambda x: F.dropout(x, 0.5, key=KEY)),
        lambda x: jvp(lambda x: F.dropout(x, 0.5, key=KEY), (x,), (x.cos(),))[1],
    ):
        same(make_fx(transformed)(x)(2 * x), transformed(2 * x))


@pytest.mark.parametrize("name", KINDS)
def test_functionalize(name):
    call, x = CALLS[name], numbers()
    same(functionalize(lambda x: call(x, KEY))(x), call(x, KEY))
    gradient = grad(lambda x: call(x, KEY).square().sum())
    same(functionalize(gradient)(x), gradient(x))
    if name != "attention":  # whose masks without a key are torch's own in eager mode
        torch.manual_seed(1)
        found = functionalize(lambda x: call(x, None))(x)
        torch.manual_seed(1)
        same(found, call(x, None))


@pytest.mark.parametrize("name", KINDS)
def test_fake_tensors(name):
    call = CALLS[name]
    with torch._subclasses.FakeTensorMode():
        for key in (KEY, None):
            fake = call(torch.empty(numbers().shape, dtype=torch.float64), key)
            assert fake.shape == call(fake.new_empty(numbers().shape), key).shape
    if name in {"dropout", "alpha_dropout", "drop_path", "gaussian_dropout", "zoneout"}:
        alone = torch._subclasses.FakeTensorMode().from_tensor(numbers())  # its mode is not active
        assert call(alone, KEY).shape == alone.shape


def test_a_mode_sees_the_operator_and_changes_nothing():
    x = numbers().requires_grad_()
    wanted = F.dropout(x, 0.5, key=KEY)
    right = torch.autograd.grad(wanted.sum(), x)[0]
    with Seen() as seen:
        y = F.dropout(x, 0.5, key=KEY)
        (found,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(y, wanted)
    assert torch.equal(found, right)
    assert sum("droplab.mask" in name for name in seen.names) == 2
    with FlopCounterMode(display=False):
        assert torch.equal(F.dropout(x, 0.5, key=KEY), wanted)
        assert F.dropout(x.detach().clone(), 1.0, inplace=True).sum() == 0


def test_export_in_training():
    class Net(torch.nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.5, key=KEY)

    x = numbers()
    for strict in (False, True):
        program = torch.export.export(Net(), (x,), strict=strict)
        assert "droplab.mask" in program.graph_module.code
        same(program.module()(x), F.dropout(x, 0.5, key=KEY))


def test_compiled_transforms():
    x = numbers()
    torch._dynamo.reset()
    for function in (
        grad(lambda x: F.dropout(x, 0.5, key=KEY).square().sum()),
        lambda x: jvp(lambda x: F.dropout(x, 0.5, key=KEY), (x,), (x.cos(),))[1],  # was zeros, silently
        vmap(lambda x: F.dropout(x, 0.5, key=KEY)),
    ):
        same(torch.compile(function, backend="aot_eager", fullgraph=True)(x), function(x))


def called(function):
    return lambda x: function(x, 0.5, True)


def test_symbolic_tracers_of_python_are_refused_by_name():
    for function in (F.dropout, F.gaussian_dropout, F.drop_path):
        with pytest.raises(UserError, match=r"got a Proxy; a tensor is wanted.*torch\.fx\.wrap"):
            torch.fx.symbolic_trace(called(function))
