"""Optimisers by name: torch's three, others of torch, the user's own, with options."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import droplab
from droplab.errors import SpecError
from droplab.nn import ConcreteDropoutLinear
from droplab.spec import ExperimentSpec, RecipeSpec, parse_spec
from droplab.spec.named import named_objects
from droplab.training.optimise import forget_faded, make_optimizer
from tests.conftest import tiny


class Slow(torch.optim.SGD):
    pass


def plain(params, lr):
    return torch.optim.SGD(params, lr=lr)


def nothing(params, lr):
    return None


def raises(params, lr):
    raise RuntimeError("not today")


number = 3


def made(**recipe):
    return make_optimizer(torch.nn.Linear(3, 2), RecipeSpec(**recipe))


def test_the_recipe_gives_rate_and_decay_and_the_table_the_rest():
    optimizer = made(
        optimizer={"name": "torch.optim:RMSprop", "alpha": 0.9, "momentum": 0.5}, lr=0.02, weight_decay=0.1
    )
    assert type(optimizer) is torch.optim.RMSprop
    group = optimizer.param_groups[0]
    assert [group[key] for key in ("lr", "weight_decay", "alpha", "momentum")] == [0.02, 0.1, 0.9, 0.5]
    adam = made(optimizer={"name": "adam", "betas": [0.8, 0.9]})
    assert list(adam.param_groups[0]["betas"]) == [0.8, 0.9]
    assert adam.param_groups[0]["fused"]
    assert made(optimizer={"name": "sgd", "nesterov": True}, momentum=0.7).param_groups[0]["momentum"] == 0.7


def test_learned_rates_have_no_decay():
    optimizer = make_optimizer(ConcreteDropoutLinear(3, 2), RecipeSpec(optimizer="torch.optim:NAdam", weight_decay=0.1))
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.0]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("adam", "adam"),
        ({"name": "sgd"}, "sgd"),
        ("torch.optim:AdamW", "adamw"),
        (torch.optim.SGD, "sgd"),
        ({"name": torch.optim.Adam, "eps": 1e-6}, {"name": "adam", "eps": 1e-6}),
        ("torch.optim:RMSprop", "torch.optim:RMSprop"),
        (Slow, f"{__name__}:Slow"),
        (plain, f"{__name__}:plain"),
    ],
)
def test_spellings(given, wanted):
    recipe = RecipeSpec(optimizer=given)
    assert recipe.optimizer == wanted
    assert RecipeSpec.model_validate(recipe.model_dump(mode="json")) == recipe


def test_the_three_load_no_torch():
    code = """
import sys
from droplab.spec import parse_spec
for name in ("adam", {"name": "adamw"}, "sgd"):
    parse_spec({"recipe": {"optimizer": name}})
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert ExperimentSpec().identity() == "db22224408d1213a"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("adamm", "recipe.optimizer: got 'adamm'; known: adam, adamw, sgd, or pkg.module:Class; did you mean 'adam'?"),
        (3, "recipe.optimizer: got 3; known: adam"),
        ({"nmae": "adam"}, "recipe.optimizer: got {'nmae': 'adam'}; known: adam"),
        ("torch.optim:RMSporp", "recipe.optimizer.name: optimizer 'torch.optim:RMSporp': torch.optim has no 'RMSporp'"),
        (f"{__name__}:number", "number is a int, a function or class is wanted"),
        ("torch.nn:Linear", "is the class Linear; one derived from torch.optim.Optimizer is wanted, or a function"),
        ("torch.optim:LBFGS", "takes several evaluations for a step (a closure); droplab's loop makes one"),
        ("math:sqrt", "recipe.optimizer.name: optimizer 'math:sqrt' takes no `lr`, the learning rate"),
        ({"name": "adam", "ams": True}, "recipe.optimizer.ams: adam has no such option"),
        ({"name": "adam", "lr": 1.0}, "recipe.optimizer.lr: is given by recipe.lr, the same for every optimizer"),
        ({"name": "sgd", "momentum": 0.5}, "recipe.optimizer.momentum: is given by recipe.momentum"),
        ({"name": "adam", "eps": float("nan")}, "recipe.optimizer: eps: got nan; a ledger keeps finite numbers"),
    ],
)
def test_what_is_wrong_is_said_by_its_place(given, line):
    with pytest.raises(SpecError) as caught:
        parse_spec({"recipe": {"optimizer": given}})
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith("recipe.optimizer")
    assert line in caught.value.problems[0]


@pytest.mark.parametrize(
    ("recipe", "line"),
    [
        (
            {"optimizer": nothing},
            "gave a NoneType; a torch.optim.Optimizer, each of whose groups has an `lr`, is wanted",
        ),
        ({"optimizer": raises}, "raised RuntimeError: not today (at "),
        ({"optimizer": plain, "weight_decay": 0.1}, "recipe.weight_decay: got 0.1, and the optimizer"),
        ({"optimizer": {"name": "torch.optim:RMSprop", "alpha": -1.0}}, "raised ValueError: Invalid alpha value: -1.0"),
    ],
)
def test_what_only_making_one_shows(recipe, line):
    with pytest.raises(SpecError) as caught:
        made(**recipe)
    assert line in caught.value.problems[0]


def test_small_moments_of_others_are_left_alone():
    weight = torch.nn.Parameter(torch.ones(2))
    kept = {}
    for kind in (torch.optim.SGD, Slow):
        optimizer = kind([weight], lr=0.1, momentum=0.9)
        optimizer.state[weight]["momentum_buffer"] = torch.tensor([1e-37, 1.0])
        forget_faded(optimizer)
        kept[kind] = float(optimizer.state[weight]["momentum_buffer"][0])
    assert kept[torch.optim.SGD] == 0 < kept[Slow]


def test_an_experiment_continues_with_it_and_max_norm_holds(tmp_path):
    recipe = {"epochs": 2, "batch_size": 20, "precision": "float32", "max_norm": 0.5}
    recipe["optimizer"] = "torch.optim:RMSprop"
    spec = tiny(recipe=recipe, seeds=1, arms=[{"name": "a", "p": 0.2}])
    results = droplab.compare(spec, out=tmp_path / "x")
    assert {run.state for run in results.record.runs.values()} == {"done"}
    assert results.model("a", 0).fc1.weight.detach().norm(dim=1).max() <= 0.5 + 1e-5
    assert named_objects(spec) == {"optimizer": "torch.optim:RMSprop"}
    again = droplab.compare(tiny(recipe=recipe, seeds=2, arms=[{"name": "a", "p": 0.2}]), out=tmp_path / "x")
    assert len(again.record.runs) == 2
