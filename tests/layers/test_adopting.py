"""Layers that take the place of one with weights keep all that it had."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn as torch_nn

from droplab import keyed, nn
from droplab.errors import UserError
from droplab.surgery import apply_rates, rates
from droplab.variants.catalog import CATALOG

LINEAR = [
    nn.LinearStandout,
    nn.ConcreteDropoutLinear,
    nn.VariationalDropoutLinear,
    nn.SparseVariationalLinear,
]
CONV = [nn.ConcreteDropoutConv2d, nn.SparseVariationalConv2d]


ADOPTING = {kind.name: kind for kind in CATALOG.values() if kind.adopts}


def twin(kind):
    if kind in LINEAR:
        return torch_nn.Linear(6, 3), torch.randn(5, 6)
    conv = torch_nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, padding_mode="circular", bias=False)
    return conv, torch.randn(5, 4, 8, 7)


@pytest.mark.parametrize("kind", [*LINEAR, *CONV])
def test_parameters_keys_options_hooks_and_generator_stay(kind):
    module, x = twin(kind)
    module.eval()
    seen = []
    module.register_forward_hook(lambda *_: seen.append(1))
    module.weight.requires_grad_(False)
    before, generator = module.state_dict(), torch.get_rng_state()
    layer = kind.adopt(module, 0.3)
    assert torch.equal(torch.get_rng_state(), generator)
    assert layer.weight is module.weight
    assert layer.bias is module.bias
    assert list(layer.state_dict())[: len(before)] == list(before)
    assert not layer.training
    assert layer.p == pytest.approx(0.3, rel=1e-6)
    found, wanted = layer(x), module(x)
    assert torch.equal(found, wanted) == (kind is not nn.LinearStandout)
    assert len(seen) == 2
    layer.new = 1
    layer.register_buffer("extra", torch.zeros(1))
    assert not hasattr(module, "new")
    assert "extra" not in module.state_dict()


@pytest.mark.parametrize("kind", [*LINEAR, *CONV])
def test_training_draws_and_learns_in_the_adopted_layer(kind):
    module, x = twin(kind)
    layer = kind.adopt(module, 0.3)
    assert layer(x).shape == module(x).shape
    assert not torch.equal(layer(x), layer(x))
    layer(x).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in layer.parameters())


@pytest.mark.parametrize("kind", [*LINEAR, *CONV])
def test_what_is_not_exactly_the_twin_is_refused(kind):
    class Own(torch_nn.Linear):
        pass

    with pytest.raises(UserError, match=rf"{kind.__name__}.adopt got a Own; exactly a torch.nn.(Linear|Conv2d)"):
        kind.adopt(Own(2, 2), 0.3)


def test_the_rates_of_a_model_are_read_and_set_like_all_others():
    model = torch_nn.Sequential(nn.ConcreteDropoutLinear(4, 4, p=0.1), nn.LinearStandout(4, 2, p=0.4))
    assert rates(model) == {"0": pytest.approx(0.1), "1": 0.4}
    change = apply_rates(model, {"0": 0.3})
    assert torch.sigmoid(model[0].p_logit).item() == pytest.approx(0.3)
    change.undo()
    assert rates(model) == {"0": pytest.approx(0.1), "1": 0.4}


def test_a_rate_may_be_a_tensor_and_is_checked_then_too():
    layer = nn.ConcreteDropoutLinear(4, 4)
    layer.p = torch.tensor(0.25)
    assert layer.p == pytest.approx(0.25)
    with pytest.raises(UserError, match=r"1\.5"):
        layer.p = torch.tensor(1.5)
    with pytest.raises(UserError, match=r"-0\.5"):
        layer.p = torch.tensor(-0.5)
    with pytest.raises(UserError, match="p = 1; a learned rate"):
        layer.p = 1


@pytest.mark.parametrize("kind", [nn.ConcreteDropoutLinear, nn.DropConnectLinear, nn.UnitDropoutLinear])
def test_hooks_are_those_of_both_whenever_they_came_or_went(kind):
    module, seen = torch_nn.Linear(6, 3), []
    handle = module.register_forward_hook(lambda *_: seen.append("before"))
    layer = kind.adopt(module, 0.3)
    handle.remove()
    later = layer.register_forward_hook(lambda *_: seen.append("after"))
    layer(torch.ones(2, 6))
    module(torch.ones(2, 6))
    later.remove()
    layer(torch.ones(2, 6))
    assert seen == ["after", "after"]


@pytest.mark.parametrize("kind", [nn.ConcreteDropoutLinear, nn.DropConnectLinear, nn.UnitDropoutLinear])
def test_what_the_module_was_compiled_to_is_not_taken_over(kind):
    module = torch_nn.Linear(6, 3)
    module.compile(backend="eager")
    layer, x = kind.adopt(module, 0.5), torch.ones(2, 6)
    assert not torch.equal(layer(x), layer(x))


@pytest.mark.parametrize("kind", [*CONV, nn.DropConnectConv2d, nn.UnitDropoutConv2d])
@pytest.mark.parametrize("mode", [True, False])
def test_one_image_without_a_batch_is_a_batch_of_one(kind, mode):
    module = torch_nn.Conv2d(4, 6, 3, padding="same", dilation=2, padding_mode="reflect", bias=False)
    options = {"inference": "gaussian"} if kind is nn.DropConnectConv2d else {}
    layer, x = kind.adopt(module, 0.3, **options).train(mode), torch.randn(4, 8, 7)
    found = []
    for given in (x, x[None]):
        with keyed(torch_nn.ModuleDict({"conv": layer}), seed=1, samples=torch.tensor([7])):
            found.append(layer(given))
    assert found[0].shape == module(x).shape
    torch.testing.assert_close(found[0], found[1][0])


@pytest.mark.parametrize("kind", ADOPTING.values(), ids=ADOPTING)
def test_options_and_defaults_are_those_of_the_class(kind):
    made = inspect.signature(kind.layer).parameters
    equipped = {name: given for name, given in inspect.signature(kind.layer.equip).parameters.items() if name != "self"}
    assert {name: made[name].default for name in equipped} == {name: given.default for name, given in equipped.items()}


def test_an_option_that_a_class_does_not_have_is_refused():
    linear = torch_nn.Linear(2, 2)
    with pytest.raises(UserError, match=r"LinearStandout.adopt got the option 'alhpa'; did you mean 'alpha'\? \(there"):
        nn.LinearStandout.adopt(linear, alhpa=1.0)
    with pytest.raises(UserError, match=r"WeightDropLinear.adopt got the option 'alpha' \(there is none\)"):
        nn.WeightDropLinear.adopt(linear, alpha=1.0)
