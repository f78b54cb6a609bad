"""Numbers of a key: their types, their ranges, the dimension that samples lie along."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import droplab
from droplab import functional as F
from droplab.errors import KeyingError, RankError, UserError
from droplab.functional import Key

X = torch.ones(4, 64)


def drawn(**numbers):
    return F.dropout(X, 0.5, key=Key(**{"seed": 1, "layer": "a", **numbers}))


def noisy(**numbers):
    return F.gaussian_dropout(X, 0.5, key=Key(**{"seed": 1, "layer": "a", **numbers}))


def trained(**numbers):
    leaf = X.clone().requires_grad_()
    return F.dropout_add(leaf, leaf, 0.5, key=Key(**{"seed": 1, "layer": "a", **numbers}))


def compiled(**numbers):
    key = Key(**{"seed": 1, "layer": "a", **numbers})
    torch._dynamo.reset()
    return torch.compile(lambda x: F.dropout(x, 0.5, key=key), backend="eager")(X)


WRONG = {
    "samples that are floats": ({"samples": torch.arange(4) / 10}, r"samples is a torch.float32 tensor.*integers"),
    "samples that are bools": ({"samples": torch.ones(4, dtype=torch.bool)}, r"samples is a torch.bool tensor"),
    "samples beyond 32 bits": ({"samples": torch.tensor([0, 1, 2, 2**32])}, r"go from 0 to 4294967296"),
    "samples below 0": ({"samples": torch.tensor([0, 1, 2, -1])}, r"go from -1 to 2"),
    "a first sample of which the last is beyond": ({"samples": 2**32 - 3}, r"the last of samples is 4294967296"),
    "a first sample beyond": ({"samples": 2**32}, r"samples is 4294967296"),
    "a first sample that is a float": ({"samples": 1.0}, r"samples is 1.0 \(float\)"),
    "a step beyond 32 bits": ({"step": 2**32}, r"step is 4294967296"),
    "a step below 0": ({"step": -1}, r"step is -1"),
    "a step beyond, as a tensor": ({"step": torch.tensor(2**32)}, r"step is 4294967296"),
    "a step that is a float": ({"step": 1.5}, r"step is 1.5 \(float\)"),
    "a step that is a bool": ({"step": True}, r"step is True \(bool\)"),
    "a step of two": ({"step": torch.tensor([1, 2])}, r"step is a torch.int64 tensor of shape \(2,\)"),
    "a seed beyond 64 bits": ({"seed": 2**64}, r"seed is 18446744073709551616"),
    "a seed that is a float": ({"seed": torch.tensor(1.0)}, r"seed is a torch.float32 tensor"),
    "a seed that is a word": ({"seed": "1"}, r"seed is '1' \(str\)"),
    "a layer beyond 32 bits": ({"layer": 2**32}, r"layer is 4294967296"),
    "samples of no dimension": ({"samples": torch.arange(4), "batch_dim": None}, r"batch_dim None"),
    "a dimension that is none": ({"batch_dim": 2}, r"batch_dim is 2, but the input has 2"),
    "as many ids as there are not samples": ({"samples": torch.arange(3)}, r"samples has the shape \(3,\)"),
}


@pytest.mark.parametrize("call", [drawn, noisy, trained])
@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused(case, call):
    numbers, said = WRONG[case]
    with pytest.raises(KeyingError, match=said):
        call(**numbers)


def test_what_graphs_can_see_is_refused_there_too():
    for case in ("samples that are floats", "a step beyond 32 bits", "a seed beyond 64 bits"):
        numbers, said = WRONG[case]
        with pytest.raises(Exception, match=said):
            compiled(**numbers)


@pytest.mark.parametrize("call", [drawn, noisy, trained])
def test_numpys_numbers_are_numbers(call):
    plain = call(seed=7, step=3, samples=torch.tensor([5, 2, 9, 4]))
    found = call(seed=np.uint64(7), step=np.int32(3), samples=np.array([5, 2, 9, 4]))
    assert torch.equal(found, plain)
    assert torch.equal(call(samples=np.int64(2)), call(samples=2))
    assert torch.equal(call(seed=torch.tensor(7, dtype=torch.int32), step=torch.tensor(3)), call(seed=7, step=3))


@pytest.mark.parametrize("call", [drawn, noisy, compiled])
def test_64_bits_of_a_seed_in_both_writings(call):
    assert torch.equal(call(seed=2**63 + 5), call(seed=-(2**63) + 5))
    assert not torch.equal(call(seed=2**63 + 5), call(seed=5))


def test_the_largest_id_is_an_id():
    assert drawn(samples=2**32 - 4).shape == X.shape
    assert torch.equal(drawn(samples=2**32 - 4), drawn(samples=torch.arange(2**32 - 4, 2**32)))


def test_ids_changed_in_place_are_looked_at_again():
    ids = torch.arange(4)
    drawn(samples=ids)
    ids += 2**32
    with pytest.raises(KeyingError, match="4294967299"):
        drawn(samples=ids)


def test_keyed_refuses_them_too():
    model = nn.Sequential(droplab.nn.Dropout(0.5))
    for numbers in ({"samples": torch.arange(4) / 10}, {"samples": torch.arange(4) + 2**32}, {"step": 2**32}):
        with pytest.raises(KeyingError), droplab.keyed(model, seed=1, **numbers):
            model(X)


@pytest.mark.parametrize("call", [F.dropout, F.gaussian_dropout, F.weight_drop, F.gaussian_noise])
def test_a_tensor_without_dimensions_is_one_sample(call):
    x = torch.tensor(3.0)
    key = Key(seed=1, layer="a", samples=5)
    assert torch.equal(call(x, 0.5, key=key), call(x[None], 0.5, key=key._replace(batch_dim=None))[0])


def test_dimensions_count_from_the_last_too():
    x = torch.ones(3, 4, 5)
    key = Key(seed=1, layer="a")
    assert torch.equal(F.dropout(x, 0.5, key=key._replace(batch_dim=-3)), F.dropout(x, 0.5, key=key))
    assert torch.equal(F.drop(x, 0.5, shared=(-2,), key=key), F.drop(x, 0.5, shared=(1,), key=key))
    assert torch.equal(F.drop(x, 0.5, shared=(-1, 1), key=key), F.drop(x, 0.5, shared=(2, 1), key=key))
    logit = torch.zeros(1)
    assert torch.equal(
        F.concrete_dropout(x, logit, shared=(-1,), key=key), F.concrete_dropout(x, logit, shared=(2,), key=key)
    )
    for call in (lambda: F.drop(x, 0.5, shared=(3,)), lambda: F.concrete_dropout(x, logit, shared=(-4,))):
        with pytest.raises(RankError, match=r"shared names dimension (3|-4) of an input of 3"):
            call()


def test_samples_along_a_shared_dimension_are_refused_or_found():
    x = torch.ones(6, 2, 32)  # time first
    key = Key(seed=1, layer="a")
    found = F.locked_dropout(x, 0.5, batch_first=False, key=key)
    assert (found == found[:1]).all(), "one draw for all time steps"
    assert torch.equal(found, F.locked_dropout(x, 0.5, batch_first=False, key=key._replace(batch_dim=1)))
    assert torch.equal(found, F.locked_dropout(x.transpose(0, 1), 0.5, key=key).transpose(0, 1))
    for call in (
        lambda: F.drop(x, 0.5, shared=(0,), key=key),
        lambda: F.drop_path(x, 0.5, key=key._replace(batch_dim=1)),
        lambda: F.concrete_dropout(x, torch.zeros(1), shared=(0,), key=key),
        lambda: F.locked_dropout(x, 0.5, key=key._replace(batch_dim=1)),
    ):
        with pytest.raises(KeyingError, match="samples lie along dimension"):
            call()


@pytest.mark.parametrize("p", [torch.tensor(1.5), torch.tensor(-0.1), torch.tensor(float("nan")), "0.5", None, [0.5]])
def test_rates_that_are_none(p):
    with pytest.raises(UserError, match="between 0 and 1, but got"):
        F.dropout(X, p)
