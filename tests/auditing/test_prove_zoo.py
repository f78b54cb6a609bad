"""Models of other people's: what is listed is what draws, and nothing of the model is changed."""

from __future__ import annotations

import importlib.util
import warnings
from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from droplab.auditing import audit
from droplab.auditing.passes import watched
from tests.auditing.zoo import ZOO, package_of

KNOWN = {  # faults that these packages do have: layers that their forward does not call
    "transformers_AlbertModel": {("DL003", "encoder.albert_layer_groups.0.albert_layers.0.dropout")},
    "transformers_XLNetModel": {("DL003", "layer.0.dropout"), ("DL003", "layer.1.dropout")},
}


class Drawn(TorchDispatchMode):
    """Every operator that drew, known by nothing but that the generator moved."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        before = torch.get_rng_state()
        output = func(*args, **(kwargs or {}))
        if not torch.equal(torch.get_rng_state(), before):
            self.names.append(func.name().partition("::")[2].partition(".")[0])
        return output


def made(name):
    package = package_of(name)
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install 'droplab[zoo]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ZOO[name]()


@pytest.mark.prove
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ZOO)
def test_the_list_is_the_trace(name):
    model, args, kwargs = made(name)
    model.train()
    torch.manual_seed(3)
    with Drawn() as independent:
        model(*args, **kwargs)
    torch.manual_seed(3)
    calls = watched(model, args, kwargs, training=True).calls
    assert [draw for call in calls for draw, _ in call.draws] == independent.names
    assert [call.function for call in calls if call.active != bool(call.draws)] == []
    assert all(call.handled for call in calls)

    model.eval()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    generator = torch.get_rng_state()
    found = audit(model, *args, **kwargs)
    assert found.complete
    assert {(one.code, one.where) for one in found.faults} == KNOWN.get(name, set())
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert not any(module.training for module in model.modules())
    kinds = Counter(one.what for one in found.executed if one.in_train)
    print(f"{name}: {len(found.executed)} listed, {sum(kinds.values())} draw: {dict(kinds)}")


def test_the_zoo_is_large():
    packages = Counter(package_of(name) for name in ZOO)
    assert len(ZOO) >= 40
    assert packages["transformers"] >= 15
