"""Arms that change the recipe: spellings, errors, identities."""

from __future__ import annotations

import pytest

from droplab.errors import SpecError
from droplab.spec import ExperimentSpec, parse_spec
from droplab.spec.changes import FIXED, VARYING
from droplab.spec.presets import arm_set
from droplab.spec.rivals import dearest, recipe_of, train_sizes
from droplab.spec.tables import DataSpec, RecipeSpec


def of_arm(**arm: object) -> ExperimentSpec:
    return parse_spec({"arms": [{"name": "none"}, {"name": "rival", **arm}]})


def test_every_key_of_the_recipe_varies_or_says_why_not():
    assert {*RecipeSpec.model_fields, "train_size"} == {*VARYING, *FIXED}
    assert "train_size" in DataSpec.model_fields


def test_an_arm_trains_by_the_recipe_with_its_changes():
    spec = of_arm(weight_decay=0.01, recipe={"lr": 0.1, "optimizer": {"name": "sgd"}})
    none, rival = spec.arms
    assert recipe_of(spec, none) is spec.recipe
    assert recipe_of(spec, rival) == RecipeSpec(weight_decay=0.01, lr=0.1, optimizer="sgd")


@pytest.mark.parametrize(
    "spelling",
    [
        {"weight_decay": 1, "lr": 0.5},
        {"recipe": {"lr": 0.5, "weight_decay": 1.0}},
        {"recipe": {"weight_decay": 1.0}, "lr": 0.5, "augmentation": "none", "optimizer": "torch.optim:Adam"},
    ],
)
def test_two_spellings_of_one_arm_are_one_experiment(spelling):
    spec = of_arm(**spelling)
    assert spec.identity() == of_arm(weight_decay=1.0, lr=0.5).identity()
    assert spec.canonical()["arms"][1]["recipe"] == {"lr": 0.5, "weight_decay": 1.0}
    assert parse_spec(spec.canonical()) == spec


def test_what_an_arm_does_not_change_is_not_in_the_identity():
    assert of_arm(weight_decay=0, label_smoothing=0.0).canonical() == of_arm().canonical()
    assert "recipe" not in of_arm().canonical()["arms"][1]
    assert "label_smoothing" not in of_arm().canonical()["recipe"]
    assert of_arm(weight_decay=0.1).identity() != of_arm(weight_decay=0.2).identity() != of_arm().identity()


def test_it_is_a_change_of_the_recipe_that_there_is():
    def decaying(base: float, arm: float) -> ExperimentSpec:
        return parse_spec({"recipe": {"weight_decay": base}, "arms": [{"name": "a", "weight_decay": arm}]})

    assert decaying(0.1, 0.1).arms[0].recipe == {}
    assert decaying(0.1, 0.0).arms[0].recipe == {"weight_decay": 0.0}


@pytest.mark.parametrize(
    ("arm", "line"),
    [
        ({"weight_deacy": 1}, "arms[1].weight_deacy: unknown key; did you mean 'weight_decay'?"),
        (
            {"recipe": {"epoch": 1}},
            "arms[1].recipe.epoch: unknown key. An arm may change weight_decay, label_smoothing",
        ),
        ({"epochs": 3}, "arms[1].recipe.epochs: one for all arms: all arms train equally long, and early stopping"),
        ({"precision": "float32"}, "arms[1].recipe.precision: one for all arms: it is chosen for the machine"),
        ({"lr": 1, "recipe": {"lr": 2}}, "arms[1]: lr: given twice, beside p and in `recipe`; give one"),
        ({"recipe": 3}, "arms[1].recipe: got 3; a table of changes is wanted: recipe = { weight_decay = 0.01 }"),
        ({"augmentation": "crop"}, "arms[1].augmentation: got 'crop'; known: none, flip-crop"),
        ({"weight_decay": True}, "arms[1].weight_decay: got true; a number is wanted"),
        ({"recipe": {"optimizer": {"name": "adam", "epz": 1}}}, "arms[1].optimizer.epz: adam has no such option"),
        ({"train_size": 0}, "arms[1].train_size: input should be greater than or equal to 1; got 0"),
    ],
)
def test_what_no_arm_can_change_is_refused_with_its_place(arm, line):
    with pytest.raises(SpecError) as problem:
        of_arm(**arm)
    (found,) = problem.value.problems
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("regression", "label_smoothing is for classes, and the task is 'regression'"),
        ({"name": "classification", "label_smoothing": 0.1}, "the task has one of its own; give one of the two"),
        ({"name": "classification", "loss": "torch.nn.functional:cross_entropy"}, "the task has a loss of its own"),
    ],
)
def test_smoothing_wants_classes_and_one_place(task, words):
    arms = [{"name": "none"}, {"name": "smooth", "label_smoothing": 0.1}]
    with pytest.raises(SpecError, match=words):
        parse_spec({"arms": arms, "task": task})


def test_sizes_and_the_dearest_arm():
    arms = [
        {"name": "a", "train_size": 10},
        {"name": "b", "batch_size": 8},
        {"name": "c"},
        {"name": "d", "train_size": 10},
    ]
    spec = parse_spec({"arms": arms})
    assert train_sizes(spec) == (10,)
    assert dearest(spec).name == "b"
    assert dearest(of_arm()).name == "rival"  # the last of equal ones


def test_sets_of_rivals():
    rivals = parse_spec(arm_set("rivals"))
    assert [arm.recipe for arm in rivals.arms] == [
        {},
        {},
        {"augmentation": "flip-crop"},
        {"augmentation": "flip-crop"},
        {"weight_decay": 5e-4},
        {"label_smoothing": 0.1},
    ]
    both = parse_spec(arm_set("dropout-x-decay"))
    assert len({(arm.p, recipe_of(both, arm).weight_decay) for arm in both.arms}) == len(both.arms) == 9
