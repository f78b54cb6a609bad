"""A doorway's layer belongs to the module's hook: copies have their own, setting it twice sets it, undo closes it."""

from __future__ import annotations

import copy
import io
import itertools
import pickle

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.hooks import RemovableHandle

import droplab
from droplab.errors import SiteError
from droplab.layers.doorway import doorways
from droplab.surgery import site_layers


def dropped(model, x):
    """The share of units that a training pass drops."""
    return float((model.train()(x) == 0).float().mean())


def saved(model):
    place = io.BytesIO()
    torch.save(model, place)
    place.seek(0)
    return torch.load(place, weights_only=False)


def opened(door="out"):
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    return model, droplab.apply_rates(model, {f"0:{door}": 1.0})


@pytest.mark.parametrize("door", ["in", "out"])
@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model)), saved, lambda model: AveragedModel(model).module],
    ids=["deepcopy", "pickle", "save", "average"],
)
def test_a_copy_has_a_layer_of_its_own(copied, door):
    model, change = opened(door)
    x = torch.ones(2, 4)
    other = copied(model)
    wanted = model(x)
    change.undo()
    assert droplab.rates(model) == {}
    assert not torch.equal(model(x), wanted)
    assert droplab.rates(other) == {f"0:{door}": 1.0}
    assert torch.equal(other(x), wanted)
    droplab.apply_rates(other, 0.0)
    assert torch.equal(other(x), model(x))


def test_a_shallow_copy_shares_the_doorway_and_its_end():
    model, change = opened()
    other = copy.copy(model)
    assert droplab.rates(other) == {"0:out": 1.0}
    change.undo()
    assert droplab.rates(other) == {}
    assert torch.equal(other(torch.ones(1, 4)), model(torch.ones(1, 4)))


def test_a_doorway_that_was_opened_after_a_shallow_copy_works_in_it():
    model = nn.Sequential(nn.Linear(4, 4))
    other = copy.copy(model[0])
    droplab.apply_rates(model, {"0:out": 1.0})
    assert not other(torch.ones(4)).any()


def test_a_doorway_that_was_loaded_is_not_overwritten_by_the_next_hook(monkeypatch):
    """In another process hooks are counted from 0 again."""
    model, _ = opened()
    place = pickle.dumps(model)
    monkeypatch.setattr(RemovableHandle, "next_id", 0)
    loaded = pickle.loads(place)
    for _ in range(50):
        loaded[0].register_forward_hook(lambda *_: None)
    assert droplab.rates(loaded) == {"0:out": 1.0}
    assert not loaded(torch.ones(1, 4)).any()


def test_setting_a_doorway_again_sets_it():
    model = nn.Sequential(nn.Identity(), nn.Linear(1, 1))
    model[0].weight = nn.Parameter(torch.ones(1))  # a module that holds a parameter
    for rate in (0.5, 0.5, 0.25):
        droplab.apply_rates(model, {"0:out": rate})
    assert droplab.rates(model) == {"0:out": 0.25}
    assert dropped(model[0], torch.ones(100_000)) == pytest.approx(0.25, abs=0.01)
    assert len(model[0]._forward_hooks) == 1


def test_a_doorway_keeps_its_kind_or_gets_another():
    model = nn.Sequential(nn.Linear(4, 4))
    first = droplab.apply_rates(model, {"0:out": 0.5}, "gaussian_dropout")
    layer = site_layers(model)["0:out"]
    second = droplab.apply_rates(model, {"0:out": 0.2})
    assert site_layers(model)["0:out"] is layer
    assert layer.p == 0.2
    third = droplab.apply_rates(model, {"0:out": 0.3}, "alpha_dropout")
    assert type(site_layers(model)["0:out"]) is droplab.nn.AlphaDropout
    third.undo()
    assert site_layers(model)["0:out"] is layer
    second.undo()
    assert layer.p == 0.5
    first.undo()
    assert not model[0]._forward_hooks


CHANGES = [
    lambda model: droplab.apply_rates(model, {"0:out": 0.5, "1": 0.1}),
    lambda model: droplab.apply_rates(model, {"0:out": 0.25, "1": 0.2}, {"0:out": "gaussian_dropout"}),
    droplab.replace,
    lambda model: droplab.apply_rates(model, {"1": 0.3}, "gaussian_dropout"),
    lambda model: droplab.apply_rates(model, {"*": 0.4, "0:*": 0.4}),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("three", [(0, 1, 2), (0, 2, 3), (2, 3, 4), (0, 2, 4), (1, 3, 4)])
def test_undo_in_any_order_ends_with_the_model_as_it_was(three, order):
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    before, x = model[1], torch.ones(3, 4)
    changes = [CHANGES[number](model) for number in three]
    for number in order:
        changes[number].undo()
        model(x)
        droplab.rates(model)
        assert len(model[0]._forward_hooks) <= 1
    assert model[1] is before
    assert droplab.rates(model) == {"1": 0.5}
    assert not model[0]._forward_hooks
    assert not model[0]._forward_hooks_with_kwargs
    changes[0].undo()
    assert droplab.rates(model) == {"1": 0.5}


def test_undoing_an_earlier_change_takes_the_later_ones_with_it():
    model = nn.Sequential(nn.Dropout(0.5))
    first = droplab.apply_rates(model, 0.2)
    droplab.replace(model)
    third = droplab.apply_rates(model, 0.3)
    first.undo()
    assert droplab.rates(model) == {"0": 0.5}
    third.undo()
    assert droplab.rates(model) == {"0": 0.5}


def test_one_rate_reaches_open_doorways():
    """The arm "no dropout" drops nowhere."""
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    droplab.apply_rates(model, {"0:out": 0.5})
    change = droplab.apply_rates(model, 0.0)
    assert change.rates == {"1": 0.0, "0:out": 0.0}
    x = torch.ones(3, 4)
    assert torch.equal(model(x), model(x))
    change.undo()
    assert droplab.rates(model) == {"1": 0.5, "0:out": 0.5}


def test_one_rate_for_weights_is_in_the_place_of_open_doorways_too():
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 4), nn.LSTM(4, 4, 2, dropout=0.5))
    droplab.apply_rates(model, {"1:out": 0.5})
    change = droplab.apply_rates(model, 0.2, "drop_connect_linear")
    assert droplab.rates(model) == {"0": 0.0, "1": 0.2, "2.dropout": 0.0, "1:out": 0.0}
    change.undo()
    assert droplab.rates(model) == {"0": 0.5, "2.dropout": 0.5, "1:out": 0.5}


def test_a_module_that_is_called_with_keywords_only():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4, bias=False)

        def forward(self, x):
            return self.fc(input=x)

    model = Net()
    droplab.apply_rates(model, {"fc:in": 1.0})
    assert not model(torch.ones(2, 4)).any()


def test_a_module_whose_place_is_taken_keeps_its_doorways():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 4))
    droplab.apply_rates(model, {"2:out": 1.0})
    change = droplab.apply_rates(model, {"2": 0.5}, "drop_connect_linear")
    assert not model(torch.ones(2, 4)).any()
    assert list(doorways(model[2])) == ["out"]
    change.undo()
    assert not model(torch.ones(2, 4)).any()


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrent_layer_drops_its_output_and_not_its_states(kind):
    model = nn.ModuleDict({"rnn": kind(3, 4, batch_first=True)})
    x = torch.ones(2, 5, 3)
    _, states = model["rnn"](x)
    droplab.apply_rates(model, {"rnn:out": 1.0})
    output, found = model["rnn"](x)
    assert not output.any()
    torch.testing.assert_close(found, states)


def test_attention_drops_its_output_and_not_its_weights():
    model = nn.ModuleDict({"attention": nn.MultiheadAttention(4, 2, batch_first=True)})
    droplab.apply_rates(model, {"attention:out": 1.0})
    x = torch.ones(2, 3, 4)
    output, weights = model["attention"](x, x, x)
    assert not output.any()
    assert weights.any()


class Own(nn.Module):
    """A module with a parameter that gives what it is told to."""

    def __init__(self, give):
        super().__init__()
        self.scale, self.give = nn.Parameter(torch.ones(1)), give

    def forward(self, x):
        return self.give(x)


def test_the_one_floating_tensor_of_several_outputs_is_dropped():
    model = nn.Sequential(Own(lambda x: (x.long(), x, None)))
    droplab.apply_rates(model, {"0:out": 1.0})
    whole, floating, nothing = model(torch.ones(3))
    assert whole.all()
    assert not floating.any()
    assert nothing is None
    model[0].give = lambda x: torch.return_types.topk((x, x.long()))
    assert not model(torch.ones(3)).values.any()


@pytest.mark.parametrize(
    ("give", "said"),
    [
        (lambda x: (x, x), r"doorway 'out' of a Own got 2 outputs, 2 of them floating.*exactly one is wanted"),
        (lambda x: (), "got 0 outputs"),
        (lambda x: {"x": x}, "got a dict; a tensor is wanted"),
        (lambda x: None, "got a NoneType"),
    ],
)
def test_what_is_not_clear_is_refused(give, said):
    model = nn.Sequential(Own(give))
    droplab.apply_rates(model, {"0:out": 0.5})
    with pytest.raises(SiteError, match=said):
        model(torch.ones(3))


def test_packed_sequences_at_doorways_are_refused():
    packed = nn.utils.rnn.pack_sequence([torch.ones(3, 2), torch.ones(1, 2)])
    for door in ("in", "out"):
        model = nn.Sequential(nn.LSTM(2, 2))
        droplab.apply_rates(model, {f"0:{door}": 0.5})
        with pytest.raises(SiteError, match="got a PackedSequence; a tensor is wanted"):
            model(packed)


def test_a_doorway_compiles_and_is_keyed():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    droplab.apply_rates(model, {"0:in": 0.5, "0:out": 0.5})
    torch.compiler.reset()
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    x = torch.ones(3, 4)
    with droplab.keyed(model, seed=1):
        wanted = model(x)
    with droplab.keyed(model, seed=1):
        torch.testing.assert_close(compiled(x), wanted)
    model.eval()
    torch.testing.assert_close(compiled(x), model(x))


def test_a_compiled_model_sees_doorways_come_and_go():
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    compiled, x = torch.compile(model, backend="eager"), torch.ones(3, 4)
    plain = model(x)
    torch.testing.assert_close(compiled(x), plain)
    for _ in range(2):
        change = droplab.apply_rates(model, {"0:out": 1.0})
        assert not compiled(x).any()
        change.undo()
        torch.testing.assert_close(compiled(x), plain)
