"""Changes come off in whatever order, and leave nothing behind."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import droplab
from droplab.errors import ModelError, UserError

X = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))


class Block(nn.Module):
    def __init__(self, p=0.3):
        super().__init__()
        self.p, self.a, self.b = p, nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        return self.b(F.dropout(F.relu(self.a(x)), self.p, self.training)) + x


def output(model):
    torch.manual_seed(3)
    return model(X)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=lambda order: "".join(map(str, order)))
def test_four_changes_are_undone_in_any_order(order):
    model = nn.Sequential(Block(), nn.Dropout(0.2), Block())
    before = output(model)
    model[0].b.register_forward_hook(lambda _, __, y: y)
    hooks = list(model[0].b._forward_hooks)
    changes = [
        droplab.replace(model, X),
        droplab.insert(model, {"0.b:out": 0.3, "1": ("alpha_dropout", 0.4)}, X),
        droplab.set_p(model, {"*": 0.1, "*:dropout": 0.6, "0.b:out": 0.5}),
        droplab.remove(model),
    ]
    for number in (*order, *range(4)):
        changes[number].undo()
    assert torch.equal(output(model), before)
    assert list(model[0].b._forward_hooks) == hooks
    assert type(model[1]) is nn.Dropout
    assert not any({"forward", "_replicate_for_data_parallel"} & set(module.__dict__) for module in model.modules())


def test_a_doorway_that_comes_back_keeps_its_place_among_hooks():
    model, told = nn.Sequential(nn.Linear(8, 8)), []
    model[0].register_forward_hook(lambda *_: told.append("before"))
    change = droplab.insert(model, {"0:out": 0.3})
    model[0].register_forward_hook(lambda *_: told.append("after"))
    order = list(model[0]._forward_hooks)
    droplab.remove(model).undo()
    assert list(model[0]._forward_hooks) == order
    change.undo()
    model(X)
    assert told == ["before", "after"]


def test_what_another_change_put_at_a_doorway_goes_with_the_first():
    model = nn.Sequential(nn.Linear(8, 8))
    first = droplab.insert(model, {"0:out": 0.3})
    gone = droplab.remove(model)
    second = droplab.insert(model, {"0:out": ("alpha_dropout", 0.9)})
    first.undo()
    assert droplab.rates(model) == {}
    second.undo()
    gone.undo()
    assert droplab.rates(model) == {}
    assert not model[0]._forward_hooks


@pytest.mark.parametrize("change", [droplab.sites, droplab.replace, droplab.remove, droplab.audit])
@pytest.mark.parametrize("model", [None, "model", nn.Linear])
def test_what_is_no_model_is_said_to_be_none(change, model):
    with pytest.raises(ModelError, match=r"a torch\.nn\.Module is wanted"):
        change(model)


@pytest.mark.parametrize("what", [[("0:in", 0.1)], {3: 0.1}, None], ids=["list", "number", "none"])
def test_what_names_no_place_is_refused(what):
    with pytest.raises(UserError, match="is wanted"):
        droplab.insert(nn.Sequential(nn.Linear(8, 8)), what)
