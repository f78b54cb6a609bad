"""A change is whole, reaches every place of a layer, and comes back with what happened meanwhile."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import droplab
from droplab.errors import UserError
from droplab.testing.laws import ORACLES
from droplab.variants.catalog import CATALOG

ADOPTING = [name for name, row in CATALOG.items() if row.adopts and row.in_arms]


def module(kind):
    twin = CATALOG[kind].adopts[0]
    return twin(4, 4, 3) if twin is nn.Conv2d else twin(4, 4)


@pytest.mark.parametrize("kind", ADOPTING)
def test_a_module_of_two_names_stays_one(kind):
    old = module(kind)
    model = nn.ModuleDict({"a": old, "b": nn.ModuleDict({"c": old})})
    change = droplab.apply_rates(model, {"a": 0.3}, kind)
    assert model["a"] is model["b"]["c"]
    assert model["a"] is not old
    change.undo()
    assert model["a"] is model["b"]["c"] is old


@pytest.mark.parametrize("kind", ADOPTING)
def test_parameters_put_in_place_meanwhile_survive_undo(kind):
    model, other = nn.Sequential(module(kind)), nn.Sequential(module(kind))
    wanted = other.state_dict()
    change = droplab.apply_rates(model, {"0": 0.3}, kind)
    model.load_state_dict(wanted, strict=False, assign=True)
    change.undo()
    assert model.state_dict().keys() == wanted.keys()
    assert all(torch.equal(value, wanted[name]) for name, value in model.state_dict().items())
    if isinstance(model[0], nn.RNNBase):
        x = torch.randn(2, 3, 4)
        assert torch.equal(model(x)[0], other(x)[0])


@pytest.mark.parametrize(
    "act", [lambda model: droplab.apply_rates(model, 0.5, "gaussian_dropout"), droplab.replace], ids=["rates", "twins"]
)
def test_a_layer_that_comes_back_has_the_mode_of_its_model(act):
    model = nn.Sequential(nn.Dropout(0.5))
    change = act(model)
    model.eval()
    change.undo()
    assert type(model[0]) is nn.Dropout
    assert not model[0].training


def test_what_cannot_be_done_wholly_is_not_done():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.4), nn.Conv2d(4, 4, 1, groups=2))
    kinds = {"0": "drop_connect_linear", "2": "unit_dropout_conv2d"}
    with pytest.raises(UserError, match="2 groups"):
        droplab.apply_rates(model, {"1": 0.1, "0": 0.5, "2": 0.5}, kinds)
    assert [type(part) for part in model] == [nn.Linear, nn.Dropout, nn.Conv2d]
    assert model[1].p == 0.4


def test_a_rate_that_is_a_tensor_comes_back_as_that_tensor():
    p = torch.tensor(0.25)
    model = nn.Sequential(droplab.nn.Dropout(p))
    change = droplab.apply_rates(model, 0.5)
    assert model[0].p == 0.5
    change.undo()
    assert model[0].p is p


@pytest.mark.parametrize("kind", [kind for kind in ADOPTING if ORACLES[kind].at_one is None])
def test_what_was_learned_comes_back_to_the_bit(kind):
    model = nn.Sequential(module(kind))
    droplab.apply_rates(model, {"0": 0.3}, kind)
    layer = model[0]
    with torch.no_grad():
        getattr(layer, layer.learned).sub_(torch.rand_like(getattr(layer, layer.learned)))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    change = droplab.apply_rates(model, 0.0)
    assert layer.p < 1e-6
    change.undo()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
