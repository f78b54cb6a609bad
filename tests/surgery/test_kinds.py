"""What an arm's ``layer`` may say, and what comes of it in a model."""

from __future__ import annotations

import re

import pytest
import torch

from droplab import nn
from droplab.errors import SiteError, SpecError
from droplab.models import TutorialCNN
from droplab.spec.arm import ArmSpec
from droplab.surgery import apply_rates, rates, site_layers
from droplab.surgery.kinds import kinds


def net() -> TutorialCNN:
    return TutorialCNN((1, 28, 28), 10)


def test_options_reach_the_layer():
    model = net()
    apply_rates(model, {"conv2:out": 0.2}, {"name": "drop_path", "mode": "batch"})
    assert repr(site_layers(model)["conv2:out"]) == "DropPath(p=0.2, mode='batch')"


def test_sites_have_kinds_of_their_own_and_the_last_pattern_wins():
    model = net()
    layer = {"*": "alpha_dropout", "conv*:out": "dropout2d", "conv1:out": {"name": "drop_path"}}
    apply_rates(model, {"drop1": 0.1, "conv1:out": 0.2, "conv2:out": 0.3, "fc1:out": 0.4}, layer)
    found = {site: type(layer) for site, layer in site_layers(model).items()}
    assert found == {
        "drop1": nn.AlphaDropout,
        "conv1:out": nn.DropPath,
        "conv2:out": nn.Dropout2d,
        "fc1:out": nn.Dropout,  # "*" names no doorway
        "drop2": torch.nn.Dropout,
    }


def test_sites_without_a_kind_stay_what_they_are():
    model = net()
    apply_rates(model, {"drop1": 0.1, "drop2": 0.2, "fc1:out": 0.3}, {"drop1": "alpha_dropout"})
    assert type(model.drop1) is nn.AlphaDropout
    assert type(model.drop2) is torch.nn.Dropout
    assert type(site_layers(model)["fc1:out"]) is nn.Dropout


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("dropot", "no kind 'dropot'; did you mean 'dropout'"),
        ({"name": "drop_path", "mod": "batch"}, "mod: drop_path has no such option; did you mean 'mode'"),
        ({"name": "drop_path", "mode": "all"}, "'row' or 'batch' is wanted"),
        ({"drop1": {"nam": "dropout"}}, r"drop1.name: got \{'nam'"),
        ({}, "an empty table"),
        (3, "name: got 3"),
    ],
)
def test_what_does_not_hold_says_what_is_wanted(layer, said):
    with pytest.raises(SpecError, match=said):
        apply_rates(net(), 0.1, layer)
    with pytest.raises(ValueError, match=said):
        ArmSpec(name="a", p=0.1, layer=layer)


def test_a_kind_for_a_site_that_is_not_there_lists_the_sites():
    with pytest.raises(SiteError, match=r"'dorp1' matches nothing.*drop1, drop2"):
        apply_rates(net(), 0.1, {"dorp1": "alpha_dropout"})


def test_names_stay_names_in_the_spec():
    assert ArmSpec(name="a", p=0.1, layer="dropout2d").model_dump(mode="json")["kind"] == "dropout2d"
    table = {"name": "drop_path", "mode": "batch"}
    assert ArmSpec(name="a", p=0.1, layer=table).model_dump(mode="json")["kind"] == table


def test_undo_takes_every_kind_back():
    model = net()
    before = {name: type(module) for name, module in model.named_modules()}
    change = apply_rates(model, {"drop1": 0.1, "conv1:out": 0.2}, {"*": "alpha_dropout", "conv1:out": "dropout2d"})
    change.undo()
    assert {name: type(module) for name, module in model.named_modules()} == before
    assert rates(model) == {"drop1": 0.0, "drop2": 0.0}


def test_an_embedding_drops_its_words_where_an_arm_names_it():
    words = torch.nn.Embedding(20, 3)
    model = torch.nn.Sequential(words, torch.nn.Flatten(), torch.nn.Linear(6, 2))
    change = apply_rates(model, {"0": 0.3}, "embedding_dropout")
    assert type(model[0]) is nn.EmbeddingDropout
    assert model[0].weight is words.weight
    assert rates(model) == {"0": 0.3}
    assert model(torch.tensor([[1, 2]])).shape == (1, 2)
    change.undo()
    assert model[0] is words


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"name": "drop_connect_linear", "inference": "best"}, "got inference 'best'"),
        ({"name": "drop_connect_linear", "samples": 2.5}, "samples: got 2.5; a whole number is wanted"),
        ({"name": "drop_connect_conv2d", "drop_bias": "no"}, "drop_bias: got 'no'; true or false is wanted"),
        ({"name": "variational_dropout_linear", "per": "all"}, "got per 'all'"),
        ({"name": "concrete_dropout_conv2d", "temperature": -1}, "got temperature -1"),
        ({"name": "zoneout_lstm", "p_cell": 2}, "between 0 and 1, but got 2"),
        ({"name": "sparse_variational_linear", "threshold": "3"}, "threshold: got '3'; a number is wanted"),
        ({"name": "drop_block2d", "block_size": 3.0}, "block_size: got 3.0; a whole number is wanted"),
        ({"name": "drop_path", "mode": 1}, "mode: got 1; a string is wanted, as the default, 'row', is"),
        ({"name": "drop_head", "head_dim": 7}, "got head_dim 7"),
    ],
)
def test_options_that_do_not_hold_are_said_before_anything_runs(layer, said):
    state = torch.get_rng_state()
    with pytest.raises(SpecError, match=re.escape(said)):
        kinds(layer)
    assert torch.equal(torch.get_rng_state(), state)
