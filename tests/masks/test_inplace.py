"""In place: refused, before anything is written, wherever torch refuses; its own dropout is the judge."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.autograd import Function

from droplab import functional as F
from droplab.errors import InPlaceError
from droplab.functional import Key


class Viewed(Function):
    @staticmethod
    def forward(ctx, x):
        return x.view(8, 8)

    @staticmethod
    def backward(ctx, grad):
        return grad.view(64)


def learned():
    return torch.ones(64, requires_grad=True)


def inner():
    return learned() * 2


def viewed_without_grad(x):
    with torch.no_grad():
        return x.view(8, 8)


def inferred(make):
    with torch.inference_mode():
        return make()


REFUSED = {
    "a leaf": learned,
    "a view of a leaf": lambda: learned()[2:],
    "expanded": lambda: torch.ones(1, 8).expand(8, 8),
    "expanded, with a gradient": lambda: inner()[:8].expand(8, 8),
    "a view made in no_grad, of a leaf": lambda: viewed_without_grad(learned()),
    "a view made in no_grad": lambda: viewed_without_grad(inner()),
    "one of a split": lambda: inner().split(32)[0],
    "one of an unbind": lambda: inner().view(8, 8).unbind()[1],
    "out of a custom function": lambda: Viewed.apply(inner()),
    "made in inference mode": lambda: inferred(lambda: torch.ones(64)),
}
TAKEN = {
    "plain": lambda: torch.ones(64),
    "inner": inner,
    "a view of inner": lambda: inner().view(8, 8),
    "strided": lambda: torch.ones(64)[::2],
    "transposed": lambda: torch.ones(8, 8).t(),
    "one of a split, without a gradient": lambda: torch.ones(64).split(32)[0],
    "strides that interlock": lambda: torch.ones(64).as_strided((3, 2), (2, 3)),
}
FUNCTIONS = {
    "dropout": (F.dropout, nn.functional.dropout),
    "alpha_dropout": (F.alpha_dropout, nn.functional.alpha_dropout),
    "dropout1d": (F.dropout1d, nn.functional.dropout1d),
}


def tried(function, make):
    x = make()
    if "1d" in function.__name__ and x.ndim != 2:
        x = x if x.dim() == 2 else x[None]
    before = x.detach().clone()
    try:
        y = function(x, 0.5, True, True)
    except RuntimeError as error:
        return error, torch.equal(x.detach(), before)
    assert y is x or y._base is x._base
    return None, torch.equal(x.detach(), before)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("case", REFUSED)
def test_refused_where_torch_refuses_and_nothing_is_written(case, name):
    ours, theirs = FUNCTIONS[name]
    error, _ = tried(theirs, REFUSED[case])
    assert error is not None, "torch takes it now"
    error, untouched = tried(ours, REFUSED[case])
    assert isinstance(error, InPlaceError), error
    assert untouched


@pytest.mark.parametrize("case", TAKEN)
def test_taken_where_torch_takes_it(case):
    for function in FUNCTIONS["dropout"]:
        torch.manual_seed(0)
        assert tried(function, TAKEN[case]) == (None, False)


def test_elements_that_share_memory_are_refused_though_torch_does_not_see_it():
    for x in (torch.ones(64).as_strided((8, 8), (2, 1)), torch.ones(64).unfold(0, 4, 2)):
        with pytest.raises(InPlaceError, match="clone"):
            F.dropout(x, 0.5, inplace=True)
        assert (x == 1).all()


def test_without_grad_a_leaf_may_be_written():
    for make in (learned, lambda: learned()[2:]):
        x = make()
        with torch.no_grad():
            assert F.dropout(x, 1.0, inplace=True) is x
        assert not x.any()


def test_under_transforms_and_on_subclasses_nothing_is_ignored():
    key = Key(1, "a")
    wanted = F.dropout(torch.ones(4, 9), 0.5, key=key)

    class Named(torch.Tensor):
        pass

    x = torch.ones(4, 9).as_subclass(Named)
    F.dropout(x, 0.5, inplace=True, key=key)
    assert torch.equal(x.as_subclass(torch.Tensor), wanted)
    with pytest.raises(RuntimeError, match="leaf"):
        F.dropout(nn.Parameter(torch.ones(3)), 0.5, inplace=True)
    with pytest.raises(RuntimeError, match="written-to"):
        F.dropout(torch.ones(1, 4).as_subclass(Named).expand(8, 4), 0.5, inplace=True)


@pytest.mark.parametrize("name", ["dropout", "dropout1d"])
def test_a_graph_writes_in_place_too(name):
    ours, key = FUNCTIONS[name][0], Key(1, "a")

    @torch.compile(backend="aot_eager")
    def compiled(x):
        given = x * 1
        return given, ours(given, 0.5, True, True, key=key), ours(x, 0.5, True, True, key=key)

    x = torch.ones(8, 8)
    wanted = ours(x, 0.5, True, key=key)
    for found in (*compiled(x), x):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("case", ["a leaf", "expanded", "one of a split"])
def test_a_graph_refuses_what_torch_refuses(case):
    x = REFUSED[case]()
    before = x.detach().clone()
    with pytest.raises(RuntimeError):
        torch.compile(F.dropout, backend="eager")(x, 0.5, True, True)
    assert torch.equal(x.detach(), before)


def test_a_graph_refuses_elements_that_share_memory():
    x = torch.ones(64).unfold(0, 4, 2)
    with pytest.raises(RuntimeError):
        torch.compile(F.dropout, backend="eager", fullgraph=True)(x, 0.5, True, True)
    assert (x == 1).all()
