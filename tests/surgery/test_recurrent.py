"""Stacked recurrent layers under keys: torch's own at p = 0, and masks that follow samples."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

import droplab
from droplab.spec.arm import ArmSpec
from droplab.surgery import FunctionRate
from droplab.surgery.drawing import Drawing
from droplab.training.arming import give_arm

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),
]
X = torch.randn(6, 4, 5, generator=torch.Generator().manual_seed(0))
KINDS = {
    "lstm": (nn.LSTM, {}),
    "gru, both ways": (nn.GRU, {"bidirectional": True}),
    "rnn, batch first": (nn.RNN, {"batch_first": True}),
    "lstm, projected": (nn.LSTM, {"proj_size": 3, "bias": False}),
}


class Model(nn.Module):
    def __init__(self, kind=nn.LSTM, p=0.4, recomputed=False, **options):
        super().__init__()
        self.rnn, self.recomputed = kind(5, 8, 3, dropout=p, **options), recomputed

    def forward(self, x, states=None):
        if self.recomputed:
            return checkpoint(self.rnn, x, states, use_reentrant=False)[0]
        return self.rnn(x, states)[0]


def keyed(model, x=X, number=0, samples=None):
    with droplab.keyed(model, seed=1, step=number, samples=samples):
        return model(x)


@pytest.mark.parametrize("name", KINDS)
def test_it_is_torchs_own_at_0_and_a_function_of_its_key_else(name):
    kind, options = KINDS[name]
    torch.manual_seed(0)
    model = Model(kind, **options)
    plain = copy.deepcopy(model)
    change = droplab.replace(model, X)
    assert change.rates == {"rnn.dropout": 0.4}
    assert droplab.sites(model)["rnn.dropout"].level == "keyed"
    drew = []
    with Drawing(drew.append):
        first = keyed(model)
    assert drew == []
    for other in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        torch.manual_seed(2)
        assert torch.equal(keyed(other), first)
    assert not torch.equal(keyed(model, number=1), first)
    droplab.set_p(model, 0.0)
    plain.rnn.dropout = 0.0
    for served, own in ((keyed(model), plain(X)), (model.eval()(X), plain.eval()(X))):
        assert torch.equal(served, own)
    model.train()
    model.rnn.dropout = 0.4  # asks to drop, and goes through the layers; at p = 0 they are torch's to the bit
    FunctionRate(model.rnn, model.rnn.forward.functions["recurrent"]).p = 0.0
    x, own = X.clone().requires_grad_(), X.clone().requires_grad_()
    y, wanted = keyed(model, x), plain.train()(own)
    assert torch.equal(y, wanted)
    for out in (y, wanted):
        out.square().sum().backward()
    torch.testing.assert_close(x.grad, own.grad)
    change.undo()
    assert "forward" not in model.rnn.__dict__


@pytest.mark.parametrize("first", [False, True])
def test_masks_are_those_of_the_samples_however_a_batch_is_packed(first):
    model = Model(batch_first=first)
    droplab.replace(model, X.transpose(0, 1) if first else X)
    sequences = [X[:length, sample] for sample, length in enumerate((2, 6, 3, 6))]
    packed = keyed(model, pack_sequence(sequences, enforce_sorted=False))
    whole, lengths = pad_packed_sequence(packed)
    for sample, sequence in enumerate(sequences):
        x = sequence[None] if first else sequence[:, None]
        alone = keyed(model, x, samples=torch.tensor([sample]))
        torch.testing.assert_close(whole[: lengths[sample], sample], alone[0] if first else alone[:, 0])
    ids = torch.tensor([7, 5, 3, 9])
    moved = pad_packed_sequence(
        keyed(model, pack_sequence([sequences[i] for i in (1, 3, 2, 0)]), samples=ids[[1, 3, 2, 0]])
    )[0]
    there = pad_packed_sequence(keyed(model, pack_sequence(sequences, enforce_sorted=False), samples=ids))[0]
    torch.testing.assert_close(moved, there[:, [1, 3, 2, 0]])


def test_it_is_recomputed_as_it_was():
    torch.manual_seed(0)
    one, other = Model(), Model(recomputed=True)
    other.load_state_dict(one.state_dict())
    found = []
    for model in (one, other):
        droplab.replace(model, X)
        x = X.clone().requires_grad_()
        with droplab.keyed(model, seed=1):
            model(x).square().sum().backward()
        found.append(x.grad)
    torch.testing.assert_close(*found)


def test_an_arm_that_names_it_gets_keys():
    model = Model()
    change = give_arm(model, ArmSpec(name="none", p=0.0))
    assert "forward" not in model.rnn.__dict__  # nothing where no arm needs it
    change.undo()
    change = give_arm(model, ArmSpec(name="some", p={"rnn.dropout": 0.2}))
    assert droplab.sites(model)["rnn.dropout"].level == "keyed"
    assert torch.equal(keyed(model), keyed(model))
    change.undo()
    assert "forward" not in model.rnn.__dict__
