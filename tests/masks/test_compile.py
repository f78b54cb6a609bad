"""torch.compile and torch.export: equal masks, no recompiles, recomputation under any memory budget."""

from __future__ import annotations

import pytest
import torch
import torch._dynamo
import torch._functorch.config
from torch import nn
from torch.utils.checkpoint import checkpoint

import droplab
from droplab import functional as F
from droplab.functional import Key

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's compiler uses what Python deprecates
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
]


@pytest.fixture(autouse=True)
def _fresh():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()


def graphs() -> int:
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop1, self.drop2 = nn.Dropout(0.5), nn.Dropout2d(0.3, inplace=True)
        self.fc = nn.Linear(5, 5)

    def forward(self, x):
        return self.drop2(self.fc(self.drop1(x)) * 2)


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_50_steps_and_20_rates_compile_once_and_equal_eager(backend):
    model = Net()
    droplab.replace(model)
    compiled = torch.compile(model, fullgraph=True, backend=backend)
    x = torch.randn(3, 4, 6, 5)
    for step in range(50):
        model.drop1.p = 0.02 * (step % 20)
        found = {}
        for name, net in (("compiled", compiled), ("eager", model)):
            with droplab.keyed(net, seed=3, step=step):
                y = net(x)
                found[name] = y, torch.autograd.grad(y.sum(), model.fc.weight)[0]
        torch.testing.assert_close(found["compiled"], found["eager"], rtol=1e-5, atol=1e-5)
        assert torch.equal(found["compiled"][0] == 0, found["eager"][0] == 0)
    assert graphs() == 1


def test_dynamic_shapes_and_sample_ids():
    model = nn.Sequential(droplab.nn.Dropout(0.5))
    compiled = torch.compile(model, fullgraph=True, dynamic=True, backend="aot_eager")
    for size in (4, 5, 9, 17):
        x = torch.ones(size, 6)
        for samples in (None, torch.arange(size) * 3):
            with droplab.keyed(compiled, seed=3, samples=samples):
                found = compiled(x)
            with droplab.keyed(model, seed=3, samples=samples):
                assert torch.equal(found, model(x))
    assert graphs() <= 4


def two_masks(x, key_a=None, key_b=None):
    """Zero where either mask drops; so is the gradient, if forward and backward agree."""
    return F.dropout(F.dropout(x * 2, 0.5, key=key_a).exp() - 1, 0.5, key=key_b)


@pytest.mark.parametrize("budget", [1.0, 0.5, 0.0])
def test_keyed_masks_agree_forward_and_backward_under_any_budget(budget):
    with torch._functorch.config.patch(activation_memory_budget=budget):
        x = torch.ones(10_000, requires_grad=True)
        step = torch.tensor(1)
        y = torch.compile(two_masks, fullgraph=True)(x, Key(1, "a", step), Key(1, "b", step))
        y.sum().backward()
    assert torch.equal(y == 0, x.grad == 0)
    assert 0.7 < (y == 0).float().mean() < 0.8


def test_drop_in_masks_agree_and_are_eagers():
    x = torch.ones(10_000, requires_grad=True)
    torch.manual_seed(0)
    y = torch.compile(two_masks, fullgraph=True)(x)
    y.sum().backward()
    torch.manual_seed(0)
    assert torch.equal(y == 0, two_masks(x) == 0)
    assert torch.equal(y == 0, x.grad == 0)
    assert 0.7 < (y == 0).float().mean() < 0.8  # two different masks


@pytest.mark.parametrize("budget", [0.0, 0.2, 0.5, 0.99])
def test_drop_in_under_a_memory_budget_is_a_clear_error(budget):
    with (
        torch._functorch.config.patch(activation_memory_budget=budget),
        pytest.raises(Exception, match=rf"activation_memory_budget = {budget:g}:.*budget of 1.*droplab\.keyed"),
    ):
        torch.compile(two_masks, fullgraph=True)(torch.ones(8, requires_grad=True))


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.parametrize("keyed", [False, True])
def test_compiled_checkpointing_draws_the_same_masks_again(backend, keyed):
    keys = (Key(1, "a", torch.tensor(1)), Key(1, "b", torch.tensor(1))) if keyed else (None, None)

    def net(x):
        return checkpoint(two_masks, x, *keys, use_reentrant=False)

    x = torch.ones(10_000, requires_grad=True)
    torch.manual_seed(0)
    y = torch.compile(net, fullgraph=True, backend=backend)(x)
    y.sum().backward()
    torch.manual_seed(0)
    assert torch.equal(y == 0, two_masks(x, *keys) == 0)
    assert torch.equal(y == 0, x.grad == 0)


def test_torchs_own_masks_disagree_under_a_budget():
    """What the tests above guard against is real: if torch has mended it, this says so."""
    with torch._functorch.config.patch(activation_memory_budget=0.5):
        x = torch.ones(10_000, requires_grad=True)
        drop = nn.functional.dropout
        y = torch.compile(lambda x: drop(drop(x * 2, 0.5).exp() - 1, 0.5), fullgraph=True)(x)
        y.sum().backward()
    assert not torch.equal(y == 0, x.grad == 0)


def test_the_traced_reference_draws_the_same_masks():
    x = torch.randn(4, 300)
    key = Key(5, "a", torch.tensor(2))
    with droplab.backend("reference"):
        found = torch.compile(lambda x: F.dropout(x, 0.3, key=key), fullgraph=True)(x)
    assert torch.equal(found, F.dropout(x, 0.3, key=key))


def test_a_layer_called_twice_in_one_step_raises_when_traced():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.drop = droplab.nn.Dropout(0.5)

        def forward(self, x):
            return self.drop(self.drop(x))

    model = Twice()
    with pytest.raises(Exception, match=r"called twice|KeyingError"), droplab.keyed(model, seed=1):
        torch.compile(model, fullgraph=True, backend="eager")(torch.ones(4, 4))


def test_export_in_eval():
    model = Net().eval()
    droplab.replace(model)
    x = torch.randn(3, 4, 6, 5)
    program = torch.export.export(model, (x,))
    torch.testing.assert_close(program.module()(x), model(x))
    assert "droplab" not in str(program.graph)


def test_the_operators_are_registered_as_torch_wants_them():
    zero = torch.tensor(0)
    arguments = (torch.randn(3, 4, requires_grad=True), torch.tensor(0.5), zero, zero, zero, 0, 1, 0, [], 0)
    torch.library.opcheck(torch.ops.droplab.mask.default, arguments)


def test_dropout_and_addition_compile_in_one_graph():
    x, key = torch.ones(4, 4), Key(seed=1, layer=1)
    added = torch.compile(lambda x: F.dropout_add(x, x, 0.5, key=key), fullgraph=True, backend="eager")
    assert torch.equal(added(x), F.dropout_add(x, x, 0.5, key=key))
