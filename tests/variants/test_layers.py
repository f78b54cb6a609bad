"""The layers stand in for torch's: construction, repr, errors, warnings, train/eval law, memory formats, copies."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from droplab import nn as own

TWINS = [
    (nn.Dropout, own.Dropout, (4, 3, 6, 5)),
    (nn.Dropout1d, own.Dropout1d, (40, 3, 6)),
    (nn.Dropout2d, own.Dropout2d, (40, 3, 6, 5)),
    (nn.Dropout3d, own.Dropout3d, (40, 3, 2, 2, 2)),
    (nn.AlphaDropout, own.AlphaDropout, (4, 3, 6, 5)),
    (nn.FeatureAlphaDropout, own.FeatureAlphaDropout, (40, 3, 6, 5)),
]
each = pytest.mark.parametrize(("theirs", "ours", "shape"), TWINS, ids=[t[0].__name__ for t in TWINS])


@each
def test_names_arguments_repr_and_classes(theirs, ours, shape):
    assert ours.__name__ == theirs.__name__
    assert isinstance(ours(), theirs)
    for arguments in ((), (0.25,), (0.25, True)):
        assert repr(ours(*arguments)) == repr(theirs(*arguments))
    for p in (-0.1, 1.1):
        with pytest.raises(ValueError, match="between 0 and 1") as error:
            ours(p)
        with pytest.raises(ValueError, match="between 0 and 1") as expected:
            theirs(p)
        assert str(error.value) == str(expected.value)
    assert ours().state_dict() == {}


@each
def test_eval_is_the_identity_and_training_drops(theirs, ours, shape):
    x = torch.randn(shape)
    assert ours(0.5).eval()(x) is x
    for value in (0.0, 1.0):
        torch.testing.assert_close(ours(value)(x), theirs(value)(x))
    y = ours(0.5)(x)
    assert not torch.equal(y, x)


@each
def test_units_that_torch_drops_together_are_dropped_together(theirs, ours, shape):
    """The set of patterns: a channel is dropped whole, or elements are dropped alone."""
    torch.manual_seed(0)
    x = torch.ones(shape)
    whole = []
    for cls in (theirs, ours):
        flat = cls(0.5)(x).flatten(2)
        whole.append(bool((flat == flat[..., :1]).all()))
    assert whole[0] == whole[1]


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("cls", [own.Dropout, own.Dropout2d])
def test_memory_formats_stay(cls, memory_format):
    x = torch.randn(4, 3, 6, 5).to(memory_format=memory_format).requires_grad_()
    y = cls(0.2)(x)
    assert y.is_contiguous(memory_format=memory_format)
    y.backward(torch.ones_like(y))
    assert x.grad.is_contiguous(memory_format=memory_format)
    sliced = torch.randn(2, 3, 3, 6).to(memory_format=memory_format)[..., ::2]
    expected = nn.functional.dropout(sliced, 0.5)
    assert own.Dropout(0.5)(sliced).stride() == expected.stride()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 5, 6), (1, 2, 2, 2, 2, 2)])
@pytest.mark.parametrize("name", ["Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"])
def test_ranks_are_taken_warned_of_and_refused_as_in_torch(name, shape, recwarn):
    outcomes = []
    for room in (nn, own):
        recwarn.clear()
        try:
            y = getattr(room, name)(0.5)(torch.ones(shape))
            outcomes.append((tuple(y.shape), len(recwarn)))
        except (RuntimeError, IndexError):
            outcomes.append(("refused", 0))
    assert outcomes[0] == outcomes[1]


@each
def test_copies_and_pickles(theirs, ours, shape):
    layer = ours(0.25).eval()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other.p == 0.25
        assert not other.training
        other.p = 0.5
        assert layer.p == 0.25


def test_a_rate_may_be_a_tensor_that_moves():
    rate = torch.tensor(0.0)
    layer = own.Dropout()
    layer.p = rate
    x = torch.ones(1000)
    assert (layer(x) == 0).sum() == 0
    rate.fill_(1.0)
    assert (layer(x) == 0).all()
    assert repr(layer) == "Dropout(p=1.0, inplace=False)"
    layer.p = 0.5
    assert layer.p == 0.5
    assert rate == 1.0


def test_rates_set_later_are_checked():
    with pytest.raises(ValueError, match="got 2"):
        own.Dropout().p = 2


def test_a_shallow_copy_has_a_rate_of_its_own_in_graphs_too():
    layer = own.Dropout(0.0)
    copied = copy.copy(layer)
    copied.p = 1.0
    compiled = torch.compile(layer, backend="eager")
    assert compiled(torch.ones(4)).all()
    moving = torch.tensor(0.5)
    layer.p = moving
    assert copy.copy(layer).p is moving
