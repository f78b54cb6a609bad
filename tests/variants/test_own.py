"""Kinds of the user's own: by name and as classes, in specs and in ``apply_rates``, and held to the contract."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

import droplab
from droplab.errors import SpecError
from droplab.models import TutorialCNN
from droplab.spec import ArmSpec, parse_spec
from droplab.testing import LayerContract
from droplab.testing.laws.oracle import Oracle, scaled
from droplab.testing.laws.twins import filled, plain, silent
from droplab.variants.asked import asked, normal_form
from droplab.variants.kind import Kind
from tests.variants.own import Faint, OutputDrop

FAINT = "tests.variants.own:Faint"
OUTPUT = "tests.variants.own:OutputDrop"


class TestFaint(LayerContract):
    oracle = Oracle(Kind(FAINT, Faint, paper="none", equation="as dropout", shares="a unit"), scaled, (16, 24))


def outputs(layer, x):
    return scaled(layer, plain(layer, x))


class TestOutputDrop(LayerContract):
    oracle = Oracle(
        Kind(OUTPUT, OutputDrop, paper="none", equation="as dropout", shares="an output", has_parameters=True),
        outputs,
        (16, 24),
        make=filled(OutputDrop, 24, 8),
        at_eval=plain,
        at_zero=plain,
        at_one=silent,
    )


def net():
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))


@pytest.mark.parametrize("kind", [FAINT, Faint, {"name": Faint}, {"2": FAINT}, {"*": {"name": Faint}}])
def test_a_layer_of_the_users_takes_a_site(kind):
    model = net()
    droplab.apply_rates(model, {"2": 0.3}, kind)
    assert type(model[2]) is Faint
    assert repr(model[2]) == "Faint(p=0.3, strength=1.0)"


def test_with_options_and_in_the_place_of_weights():
    model = net()
    kind = {"2": {"name": FAINT, "strength": 0.25}, "[03]": {"name": OUTPUT, "times": 3}}
    weight = model[3].weight
    change = droplab.apply_rates(model, {"2": 0.3, "3": 0.2}, kind)
    assert (model[2].strength, type(model[3]), model[3].times) == (0.25, OutputDrop, 3)
    assert model[3].weight is weight
    change.undo()
    assert type(model[3]) is nn.Linear


def test_in_a_spec_a_class_goes_by_its_name():
    arm = ArmSpec(name="a", p=0.5, kind={"fc1:in": Faint, "drop*": {"name": Faint, "strength": 0.5}})
    assert arm.kind == {"fc1:in": FAINT, "drop*": {"name": FAINT, "strength": 0.5}}
    assert ArmSpec(name="a", p=0.5, kind=droplab.nn.DropPath).kind == "drop_path"
    written = parse_spec({"arms": [{"name": "a", "p": 0.5, "kind": Faint}]}).canonical()
    assert parse_spec(written).arms[0].kind == FAINT


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("no_such_module:Drop", "arms[0].kind.name: kind 'no_such_module:Drop': no module named 'no_such_module'"),
        ("tests.variants.own:Fiant", "has no 'Fiant'; did you mean 'Faint'?"),
        ("torch.nn:Dropout", "is the class Dropout; one derived from droplab.nn.DropLayer is wanted"),
        ("math:sqrt", "is a builtin_function_or_method; a class derived from droplab.nn.DropLayer is wanted"),
        ("tests.variants.own:number", "number is a int, a function or class is wanted"),
        ("tests.variants.own:Rateless", "Rateless.__init__ takes no `p`, by which it is given its drop rate"),
        ("tests.variants.own:Twinless", "takes the place of other layers and names no `twin`, theirs"),
        ({"name": FAINT, "stength": 0.5}, "arms[0].kind.stength: tests.variants.own:Faint has no such option; did you"),
        ({"name": FAINT, "strength": "much"}, "arms[0].kind.strength: got 'much'; a number is wanted"),
        ({"name": FAINT, "groups": 2.5}, "arms[0].kind.groups: got 2.5; a whole number is wanted"),
        ({"name": FAINT, "strength": 2}, "refuses what it is given: ValueError: strength is a share; got 2"),
        ({"name": OUTPUT, "inputs": 2}, "arms[0].kind.inputs: tests.variants.own:OutputDrop has no such option"),
        ({"fc1": "tests.variants.own:Needy"}, "arms[0].kind.fc1.width: tests.variants.own:Needy needs this option"),
        (nn.Dropout, "is the class Dropout; one derived from droplab.nn.DropLayer is wanted"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_its_place(kind, line):
    with pytest.raises(SpecError) as caught:
        parse_spec({"arms": [{"name": "a", "p": 0.5, "kind": kind}]})
    assert len(caught.value.problems) == 1
    assert line in caught.value.problems[0]


def test_asking_draws_nothing():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    asked(FAINT)
    assert torch.equal(torch.get_rng_state(), before)


def test_only_users_kinds_load_torch():
    code = """
import sys
from droplab.spec import parse_spec
parse_spec({"arms": [{"name": "a", "p": 0.5, "kind": {"name": "drop_path", "mode": "row"}}]}).identity()
assert "torch" not in sys.modules
parse_spec({"arms": [{"name": "a", "p": 0.5, "kind": "droplab.nn:DropPath"}]})
assert "torch" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (None, None),
        ("drop_path", "drop_path"),
        ({"name": "drop_path"}, "drop_path"),
        ({"name": "drop_path", "mode": "row"}, "drop_path"),
        ("droplab.nn:DropPath", "drop_path"),
        ({"name": "droplab.variants.path:DropPath", "mode": "batch"}, {"name": "drop_path", "mode": "batch"}),
        ({"name": "standout", "alpha": 2}, {"name": "standout", "alpha": 2.0}),
        ({"name": "standout", "alpha": 1}, "standout"),
        ({"name": "drop_head", "head_dim": 2}, {"name": "drop_head", "head_dim": 2}),
        ({"a": {"name": "dropout"}, "b": FAINT}, {"a": "dropout", "b": FAINT}),
        ({"name": Faint, "strength": 1}, FAINT),
        ({"name": OUTPUT, "times": 1}, OUTPUT),
    ],
)
def test_one_spelling(kind, wanted):
    found = normal_form(kind)
    assert found == wanted
    assert repr(found) == repr(wanted)
    assert normal_form(found) == found


def test_a_class_of_this_process_alone_goes_by_what_it_does():
    class Mine(Faint):
        pass

    arm = ArmSpec(name="a", p=0.5, kind=Mine)
    assert arm.kind.startswith("tests.variants.test_own:test_a_class")
    model = TutorialCNN((1, 28, 28), 10)
    droplab.apply_rates(model, 0.5, arm.kind)
    assert type(model.drop1) is Mine
