"""Whatever NumPy's global generator is, it is seeded, watched, kept and given back like the usual one."""

# ruff: noqa: NPY002  # the global one is what this is about

import io
import random

import numpy as np
import pytest
import torch
from torch import nn

import droplab
from droplab import global_numpy
from droplab.data.drawers import DRAWERS, seeding
from droplab.data.draws import borrowed
from droplab.data.repeat import generators, have_drawn
from droplab.errors import CheckpointError
from droplab.training.seeding import borrowed_generators, generators_state, restore_generators, seed_everything

KINDS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


@pytest.fixture(params=KINDS, autouse=True)
def kind(request):
    before = global_numpy.held()
    np.random.set_bit_generator(getattr(np.random, request.param)(3))
    yield request.param
    global_numpy.put_back(before)


def three():
    """An odd number: the fourth one waits for the next call."""
    return np.random.standard_normal(3).tolist()


@pytest.mark.parametrize(
    "seed", [lambda: seed_everything(1, "x"), lambda: seeding(DRAWERS)(1), lambda: global_numpy.seed(1)]
)
def test_what_follows_a_seed_is_a_function_of_it(seed):
    seed()
    first = three()
    seed()
    assert three() == first


@pytest.mark.parametrize("around", [borrowed, borrowed_generators])
@pytest.mark.parametrize("waiting", [False, True])
def test_it_is_given_back_as_it_was_even_where_another_one_was_set(around, waiting, kind):
    generator = np.random.get_bit_generator()
    if waiting:
        np.random.standard_normal()
    before = global_numpy.held()
    drawn = three()
    global_numpy.put_back(before)
    with around():
        three()
        np.random.set_bit_generator((np.random.PCG64 if kind == "MT19937" else np.random.MT19937)(5))
        three()
    assert np.random.get_bit_generator() is generator
    assert three() == drawn


def test_a_checkpoint_keeps_it_and_its_kind(kind):
    np.random.standard_normal()
    file = io.BytesIO()
    torch.save(generators_state(), file)
    file.seek(0)
    wanted = three(), random.random()
    with borrowed_generators():
        np.random.set_bit_generator((np.random.PCG64 if kind == "MT19937" else np.random.MT19937)(5))
        restore_generators(torch.load(file, weights_only=True))
        assert np.random.get_state(legacy=False)["bit_generator"] == kind
        assert (three(), random.random()) == wanted


def test_a_kind_that_is_not_there_any_more_is_named():
    kept = {**generators_state(), "numpy": {"bit_generator": "Mine", "state": {}}}
    with pytest.raises(CheckpointError, match="was a Mine, which is none of NumPy's own; set it where your module"):
        restore_generators(kept)


def test_what_draws_is_seen():
    before = generators()
    assert not have_drawn(before, generators())
    np.random.rand()
    assert have_drawn(before, generators())


class Noisy(nn.Module):
    def forward(self, x):
        return x + float(np.random.standard_normal())


def test_an_audit_leaves_it_where_it_stood():
    before = global_numpy.standing()
    found = droplab.audit(nn.Sequential(nn.Linear(2, 2), Noisy()), torch.zeros(1, 2))
    assert "random" in str(found).lower() or "differ" in str(found).lower()
    assert global_numpy.standing() == before
