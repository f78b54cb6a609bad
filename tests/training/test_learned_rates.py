"""What recipes do to weights does not reach the parameters that layers learn their rates by."""

from __future__ import annotations

import pytest
import torch

from droplab import nn
from droplab.spec.tables import RecipeSpec
from droplab.training.optimise import apply_max_norm, make_optimizer

KINDS = [
    (lambda: nn.ConcreteDropoutLinear(8, 4), "p_logit"),
    (lambda: nn.ConcreteDropoutConv2d(2, 4, 3), "p_logit"),
    (lambda: nn.VariationalDropoutLinear(8, 4, per="weight"), "log_alpha"),
    (lambda: nn.SparseVariationalLinear(8, 4, log_sigma2=-10.0), "log_sigma2"),
    (lambda: nn.SparseVariationalConv2d(2, 4, 3, log_sigma2=-10.0), "log_sigma2"),
]


@pytest.mark.parametrize(("make", "name"), KINDS)
def test_max_norm_and_weight_decay_leave_rates_alone(make, name):
    model = torch.nn.Sequential(make(), torch.nn.Flatten(), torch.nn.LazyLinear(2))
    with torch.no_grad():
        model(torch.ones(1, 2, 8, 8) if model[0].weight.ndim == 4 else torch.ones(1, 8))
        model[0].weight.fill_(3.0)
        if name == "log_alpha":
            model[0].log_alpha.fill_(-4.0)
    before = getattr(model[0], name).detach().clone()
    apply_max_norm(model, 1.0)
    torch.testing.assert_close(model[0].weight.detach().flatten(1).norm(dim=1), torch.ones(4))
    optimizer = make_optimizer(model, RecipeSpec(optimizer="sgd", lr=0.5, momentum=0.0, weight_decay=0.5))
    assert len({id(p) for group in optimizer.param_groups for p in group["params"]}) == len(list(model.parameters()))
    weight = model[0].weight.detach().clone()
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(model[0].weight.detach(), 0.75 * weight)
    assert torch.equal(getattr(model[0], name).detach(), before)


def test_other_models_have_one_group_as_before():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    assert len(make_optimizer(model, RecipeSpec(weight_decay=0.1)).param_groups) == 1
    assert len(make_optimizer(torch.nn.Sequential(KINDS[0][0]()), RecipeSpec()).param_groups) == 1
