"""Models of other people's: a keyed step is a function of its key, nothing is random at p = 0, undo is to the bit."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

import droplab
from droplab.surgery.drawing import Drawing
from droplab.surgery.tensors import tensors
from tests.auditing.test_prove_zoo import made
from tests.auditing.zoo import ZOO

pytestmark = [pytest.mark.prove, pytest.mark.filterwarnings("ignore")]


def outputs(model, args, kwargs, number=0, seed=0):
    """In train mode, under keys; and whether only torch's generators would have told."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # the one that models use
    before = others()
    with torch.no_grad(), droplab.keyed(model, seed=1, step=number):
        found = [value.clone() for value in tensors(model(*args, **kwargs))]
    return found, before == others()


def others():
    return random.getstate(), repr(np.random.get_state())  # noqa: NPY002


def same(one, other):
    return len(one) == len(other) and all(
        a.shape == b.shape and torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))
        for a, b in zip(one, other, strict=True)
    )


def attached(model):
    return {
        name: (type(module), list(module._forward_hooks), list(module._forward_pre_hooks), "forward" in module.__dict__)
        for name, module in model.named_modules()
    }


@pytest.mark.parametrize("name", ZOO)
def test_a_step_is_a_function_of_its_key_and_undo_is_to_the_bit(name):
    model, args, kwargs = made(name)
    for value in model.parameters():  # heads that begin at 0 would hide everything before them
        if value.ndim > 1 and not value.any():
            torch.nn.init.normal_(value, std=0.1)
    model.eval()
    state, there = {key: value.clone() for key, value in model.state_dict().items()}, attached(model)
    with torch.no_grad():
        plain = [value.clone() for value in tensors(model(*args, **kwargs))]
    model.train()
    rates = droplab.rates(model)

    change = droplab.replace(model, *args, **kwargs)
    buffers = {key: value.clone() for key, value in model.named_buffers()}

    def step(**options):
        for key, value in model.named_buffers():  # BatchNorm's move
            value.copy_(buffers[key])
        return outputs(model, args, kwargs, **options)

    levels = {site.name: site.level for site in droplab.sites(model, *args, **kwargs).values() if site.level}
    first, torchs_alone = step(seed=1)
    assert same(first, step(seed=2)[0]) or not torchs_alone, levels
    dropping = [site for site, p in droplab.rates(model).items() if site and p > 0]
    if dropping and torchs_alone:
        assert not same(first, step(number=1)[0]), levels

    zero = droplab.set_p(model, 0.0) if any(droplab.rates(model)) else None
    drew = []
    with Drawing(drew.append):
        step()
    by_hand = [site for site, level in levels.items() if site.endswith(":noise") or level == "seen only"]
    assert not drew or by_hand, name
    if zero is not None:
        zero.undo()
    change.undo()

    doors = [site for site in droplab.sites(model) if site.endswith(":out")][:3]
    if doors:
        inserted = droplab.insert(model, dict.fromkeys(doors, 0.5))
        inserted.undo()
    assert droplab.rates(model) == rates
    assert attached(model) == there
    model.eval()
    model.load_state_dict(state)  # buffers that moved
    with torch.no_grad():
        assert same(plain, list(tensors(model(*args, **kwargs))))
    assert model.state_dict().keys() == state.keys()
    print(f"{name}: {len(levels)} sites, {sorted(set(levels.values()))}, by hand: {by_hand}")
