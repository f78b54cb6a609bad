from __future__ import annotations

import pytest
import torch
from torch import nn

import droplab
from droplab import nn as own
from droplab.layers.doorway import doorways


def test_every_kind_is_swapped_and_comes_back():
    model = nn.Sequential(
        nn.Dropout(0.1, inplace=True), nn.Dropout1d(0.2), nn.Dropout2d(0.3),
        nn.Sequential(nn.Dropout3d(0.4), nn.AlphaDropout(0.5), nn.FeatureAlphaDropout(0.6)),
    ).eval()  # fmt: skip
    before = list(model.modules())
    text = repr(model)
    change = droplab.replace(model)
    assert change.rates == {"0": 0.1, "1": 0.2, "2": 0.3, "3.0": 0.4, "3.1": 0.5, "3.2": 0.6}
    assert repr(model) == text
    assert not any(module.training for module in model.modules())
    layers = [module for module in model.modules() if not isinstance(module, nn.Sequential)]
    assert all(isinstance(layer, own.DropLayer) for layer in layers)
    assert model[0].inplace
    change.undo()
    assert [id(module) for module in model.modules()] == [id(module) for module in before]


def test_hooks_and_shared_layers_stay():
    shared = nn.Dropout(0.5)
    calls = []
    shared.register_forward_hook(lambda *_: calls.append(1))
    model = nn.ModuleDict({"a": shared, "b": shared})
    change = droplab.replace(model)
    assert model["a"] is model["b"]
    assert set(change.rates) == {"a", "b"}
    model["a"](torch.ones(2))
    assert calls == [1]
    change.undo()
    assert model["a"] is model["b"] is shared


def test_doorways_of_torchs_layers_too():
    model = nn.Sequential(nn.Linear(2, 2))
    droplab.apply_rates(model, {"0:out": 1.0})
    doorway = doorways(model[0])["out"]
    doorway.layer = nn.Dropout(1.0)
    change = droplab.replace(model)
    assert change.rates == {"0:out": 1.0}
    assert type(doorway.layer) is own.Dropout
    assert model(torch.ones(1, 2)).tolist() == [[0, 0]]
    change.undo()
    assert type(doorway.layer) is nn.Dropout


def test_nothing_to_replace_is_a_warning_and_twice_is_none():
    with pytest.warns(UserWarning, match="found no dropout layer in Linear.*apply_rates"):
        assert droplab.replace(nn.Linear(2, 2)).rates == {}
    with pytest.warns(UserWarning, match="found no dropout layer in MultiheadAttention"):
        droplab.replace(nn.MultiheadAttention(4, 2, dropout=0.5))
    with pytest.warns(UserWarning, match="cannot be replaced within itself"):
        droplab.replace(nn.Dropout(0.5))
    model = nn.Sequential(nn.Dropout(0.5))
    droplab.replace(model)
    assert droplab.replace(model).rates == {}


def test_users_subclasses_are_left_alone():
    class Mine(nn.Dropout):
        pass

    for model in (nn.Sequential(Mine(0.5)), nn.Sequential(Mine(0.5), nn.Dropout(0.5))):
        with pytest.warns(UserWarning, match=r"left 0 \(Mine\) as it was: a subclass"):
            assert droplab.replace(model).rates == ({"1": 0.5} if len(model) > 1 else {})
        assert type(model[0]) is Mine


def test_a_transformer_trains_and_its_parameters_keep_their_names():
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
    names = list(model.state_dict())
    change = droplab.replace(model)
    assert len(change.rates) == 6
    assert list(model.state_dict()) == names
    model(torch.randn(2, 5, 8)).sum().backward()
    droplab.apply_rates(model, {"*.self_attn.dropout": 0.0})  # what no key would reach
    with droplab.keyed(model, seed=0):
        model(torch.randn(2, 5, 8)).sum().backward()
