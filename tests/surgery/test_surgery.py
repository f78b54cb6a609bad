from __future__ import annotations

import pytest
import torch
from torch import nn

from droplab.errors import SiteError
from droplab.models import TutorialCNN
from droplab.surgery import apply_rates, rates, sites
from droplab.variants.catalog import CATALOG

LAYERS = {name: row.layer for name, row in CATALOG.items() if row.in_arms and not row.adopts}


def net() -> TutorialCNN:
    return TutorialCNN((1, 28, 28), 10)


def test_one_rate_goes_to_every_layer_and_back():
    model = net()
    change = apply_rates(model, 0.3)
    assert rates(model) == {"drop1": 0.3, "drop2": 0.3}
    change.undo()
    assert rates(model) == {"drop1": 0.0, "drop2": 0.0}


def test_a_doorway_drops_in_training_only_and_leaves_the_state_dict_alone():
    model = net()
    keys = list(model.state_dict())
    change = apply_rates(model, {"fc1:out": 1.0})
    x = torch.randn(3, 1, 28, 28)
    model.eval()
    quiet = model(x)
    change.undo()
    torch.testing.assert_close(quiet, model(x))
    apply_rates(model, {"fc1:out": 1.0})
    model.train()
    torch.testing.assert_close(model(x), model.fc2.bias.expand(3, 10))
    assert list(model.state_dict()) == keys


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_a_layer_kind_replaces_and_comes_back(kind):
    model = net()
    before = model.drop2
    change = apply_rates(model, {"drop2": 0.2}, kind)
    assert type(model.drop2) is LAYERS[kind]
    change.undo()
    assert model.drop2 is before


def test_later_patterns_win():
    model = net()
    apply_rates(model, {"drop*": 0.1, "drop2": 0.6})
    assert rates(model) == {"drop1": 0.1, "drop2": 0.6}


def test_a_pattern_that_matches_nothing_lists_the_sites():
    with pytest.raises(SiteError, match=r"'drop3'.*did you mean.*drop1, drop2.*fc1:in"):
        apply_rates(net(), {"drop3": 0.1})
    assert "conv1:in" in sites(net())


def test_a_model_without_dropout_takes_rate_zero():
    assert apply_rates(nn.Linear(2, 2), 0.0).rates == {}
    with pytest.raises(SiteError):
        apply_rates(nn.Sequential(nn.Linear(2, 2)), 0.5)
