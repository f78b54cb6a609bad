"""Calls of one layer as sites of their own: each with its rate, in graphs, over breaks and when it is recomputed."""

from __future__ import annotations

import copy
import pickle
from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import droplab
from droplab.errors import KeyingError, SiteError
from droplab.layers.by_call import calls_seen
from droplab.surgery import apply_rates, rates

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's compiler uses what Python deprecates
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
    pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning"),
]
X = torch.ones(3, 40)


@pytest.fixture(autouse=True)
def _fresh(one_thread):
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()


class Net(nn.Module):
    """One layer, called three times, with what the test asks for around it."""

    def __init__(self, *, between=False, recomputed=(), reentrant=False) -> None:
        super().__init__()
        self.drop, self.between, self.recomputed = nn.Dropout(0.5), between, recomputed
        self.segment = partial(checkpoint, use_reentrant=reentrant)

    def forward(self, x):
        total = x * 0
        for number in range(3):
            if number and self.between:
                torch._dynamo.graph_break()
            y = x + number
            total = total + (self.segment(self.drop, y) if number in self.recomputed else self.drop(y)) ** 2
        return total


class Named(nn.Module):
    """A layer for each call, with the names that the calls of one have."""

    def __init__(self, p=(0.1, 0.5, 0.1)) -> None:
        super().__init__()
        self.layers = nn.ModuleList(map(droplab.nn.Dropout, p))
        for number, layer in enumerate(self.layers, 1):
            layer.key_name = "drop" if number == 1 else f"drop#{number}"

    def forward(self, x):
        return sum((layer(x + number) ** 2 for number, layer in enumerate(self.layers)), x * 0)


def step(model, called, number, passes=1):
    """Output and gradient of the last of some passes, and of all."""
    x = X.clone().requires_grad_()
    with droplab.keyed(model, seed=1, step=number):
        found = [called(x) for _ in range(passes)]
        sum(y.sum() for y in found).backward()
    return [y.detach() for y in found], x.grad


def given(**options):
    model = Net(**options)
    apply_rates(model, {"drop": 0.1, "drop#2": 0.5})
    droplab.replace(model)
    return model


def check(model, called, number, named=None):
    named = named or Named()
    torch.testing.assert_close(step(model, called, number), step(named, named, number))


@pytest.mark.parametrize("order", [("drop", "drop#2"), ("drop#2", "drop")], ids="-".join)
def test_a_call_has_a_rate_of_its_own_and_gives_it_back(order):
    model = Net()
    before = repr(model), list(model._forward_pre_hooks)
    wanted = {"drop": 0.1, "drop#2": 0.5}
    change = apply_rates(model, {site: wanted[site] for site in order})
    assert rates(model) == wanted
    assert type(model.drop) is droplab.nn.Dropout
    check(model, model, 0)
    change.undo()
    assert (repr(model), list(model._forward_pre_hooks)) == before
    assert type(model.drop) is nn.Dropout


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("recomputed", [(0, 1, 2), (1,), (0, 2)], ids=str)
def test_calls_are_recomputed_at_their_rates(recomputed, reentrant):
    model = given(recomputed=recomputed, reentrant=reentrant)
    check(model, model, 0)
    check(model, model, 1)


@pytest.mark.parametrize("recomputed", [(), (1,), (0, 1, 2)], ids=str)
@pytest.mark.parametrize(("between", "whole"), [(False, True), (False, False), (True, False)])
def test_calls_in_graphs_have_their_rates_and_moving_ones_compile_nothing(between, whole, recomputed):
    model = given(between=between, recomputed=recomputed)
    compiled = torch.compile(model, fullgraph=whole, backend="aot_eager" if whole or recomputed else "eager")
    graphs = 0
    for number, p in enumerate((0.5, 0.25, 0.75)):
        droplab.set_p(model, {"drop#2": p})
        check(model, compiled, number, Named((0.1, p, 0.1)))
        graphs = graphs or torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == graphs


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("recomputed", [(), (0, 1, 2)], ids=str)
def test_each_forward_pass_of_a_step_begins_with_the_first_call(recomputed, compiled):
    """Masks are those of calls 4 to 6; rates are again those of 1 to 3."""
    model, named = given(recomputed=recomputed), Named((0.1, 0.5, 0.1) * 2)
    named.forward = lambda x: sum((layer(x + number % 3) ** 2 for number, layer in enumerate(named.layers)), x * 0)
    called = torch.compile(model, backend="aot_eager") if compiled else model
    for number in range(2):
        (first, second), gradient = step(model, called, number, passes=2)
        (both,), wanted = step(named, named, number)
        torch.testing.assert_close(first + second, both)
        torch.testing.assert_close(gradient, wanted)
    assert calls_seen(model.drop) == 3


def test_a_schedule_moves_one_call():
    from droplab.training.moving import MovingRates

    model = Net()
    change = apply_rates(model, {"drop": 0.1, "drop#2": 0.4})
    moving = MovingRates(model, {"drop#2": "linear"}, change.rates)
    seen = []
    for number in range(3):
        moving.before_step(number, 3)
        seen.append(rates(model))
    assert [one["drop"] for one in seen] == [0.1] * 3
    assert 0 == seen[0]["drop#2"] < seen[1]["drop#2"] < seen[2]["drop#2"] < 0.4


def test_one_rate_is_for_every_call():
    model = given()
    change = apply_rates(model, 0.3)
    assert rates(model) == {"drop": 0.3, "drop#2": 0.3}
    change.undo()
    assert rates(model) == {"drop": 0.1, "drop#2": 0.5}


@pytest.mark.parametrize(
    "carry", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["copy", "pickle"]
)
def test_copies_have_the_rates_for_themselves(carry):
    model = given()
    other = carry(model)
    check(other, other, 0)
    droplab.set_p(other, {"drop#2": 0.9})
    check(model, model, 0)
    check(other, other, 1, Named((0.1, 0.9, 0.1)))


def test_a_kind_is_the_layers_and_the_rates_go_on():
    model = given()
    change = apply_rates(model, {"drop": 0.2}, "gaussian_dropout")
    assert type(model.drop) is droplab.nn.GaussianDropout
    assert rates(model) == {"drop": 0.2, "drop#2": 0.5}
    change.undo()
    check(model, model, 0)


def test_calls_are_counted_where_a_model_is_keyed_only():
    model = given()
    with pytest.raises(KeyingError, match=r"calls of a Dropout have rates of their own \(#2\).*keyed"):
        model(X)
    model.eval()(X)


class Mine(droplab.nn.DropLayer):
    """Asks for its key alone."""

    def __init__(self, p) -> None:
        super().__init__()
        self.p = p

    def forward(self, x):
        return droplab.functional.dropout(x, self.p, self.training, key=self._key(x))


def test_what_cannot_have_rates_for_calls_says_so():
    class Odd(nn.Dropout):
        pass

    with pytest.raises(SiteError, match=r"a subclass of a layer of torch's"):
        apply_rates(nn.Sequential(Odd()), {"0#2": 0.5})
    model = nn.Sequential(Mine(0.5))
    apply_rates(model, {"0#2": 0.5})
    with pytest.raises(SiteError, match=r"uses one rate for all.*self\._rated"), droplab.keyed(model, seed=1):
        model(X)
    learned = nn.Sequential(nn.Linear(2, 2))
    apply_rates(learned, {"0": 0.1}, "concrete_dropout_linear")
    with pytest.raises(SiteError, match=r"it learns one for all"):
        apply_rates(learned, {"0#2": 0.5})
    for site, said in (("drop#1", r"from 2 on"), ("drop#0", r"from 2 on"), ("dorp#2", r"is none; did you mean 'drop'")):
        with pytest.raises(SiteError, match=said):
            apply_rates(Net(), {site: 0.5})


def test_a_layer_that_is_called_so_is_a_layer():
    model = nn.Module()
    model.add_module("drop", nn.Dropout(0.1))
    model.add_module("drop#2", nn.Dropout(0.1))
    apply_rates(model, {"drop#2": 0.5})
    assert [layer.p for layer in model.children()] == [0.1, 0.5]
    assert type(model.drop) is nn.Dropout
