"""Schedules of the user's own: by name, as classes and as instances, and held to the contracts."""

from __future__ import annotations

import json

import pytest

from droplab.errors import SpecError
from droplab.schedules import Chain, Linear, Product, for_sites, make, moves, normal_form
from droplab.spec import ArmSpec, parse_spec
from droplab.testing import AdaptiveContract, ScheduleContract
from tests.schedules.own import Accuracy, Nameless, Waves, constant

WAVES = "tests.schedules.own:Waves"


class TestWaves(ScheduleContract):
    schedule = Waves(waves=2)
    values = {0.0: 0.0, 0.125: 0.5, 0.25: 1.0, 0.5: 0.0, 0.75: 1.0, 1.0: 0.0}


class TestNameless(ScheduleContract):
    schedule = Nameless()
    values = {0.0: 0.5, 1.0: 0.5}


class TestWithin(ScheduleContract):
    schedule = Product(of=[WAVES, Linear()])
    values = {0.0: 0.0, 0.5: 0.5, 1.0: 0.0}


class TestAccuracy(AdaptiveContract):
    schedule = Accuracy()
    overfitting = {"fit_accuracy": 0.9, "val_accuracy": 0.5}
    underfitting = {"fit_accuracy": 0.5, "val_accuracy": 0.9}
    calm = {"fit_accuracy": 0.555, "val_accuracy": 0.5}


def arm(schedule, p=0.5) -> ArmSpec:
    return parse_spec({"arms": [{"name": "a", "p": p, "schedule": schedule}]}).arms[0]


@pytest.mark.parametrize(
    "given", [WAVES, {"name": WAVES}, {"name": WAVES, "waves": 1}, Waves, {"name": Waves}, Waves()]
)
def test_spellings_are_one_schedule(given):
    found = arm(given)
    assert found.schedule == {"name": WAVES, "waves": 1}
    assert for_sites(json.loads(json.dumps(found.schedule))) == [(None, Waves())]
    assert arm({"drop*": given}).schedule == {"drop*": {"name": WAVES, "waves": 1}}


def test_one_of_the_table_goes_by_its_name_there():
    assert normal_form("droplab.schedules:Linear") == normal_form(Linear) == normal_form("linear")
    assert normal_form("droplab.schedules.pure:Constant") == "constant"


def test_within_others():
    chain = Chain(of=[Waves, {"name": WAVES, "waves": 3}, "linear"], at=[0.2, 0.5])
    assert [inner["name"] for inner in chain.describe()["of"]] == [WAVES, WAVES, "linear"]
    assert make(chain.describe()) == chain


def test_a_name_that_is_droplabs_too_is_no_mistake():
    assert make("tests.schedules.own:constant") == constant()
    assert moves(constant())
    assert normal_form(constant()) == {"name": "tests.schedules.own:constant"}
    assert Nameless.name == "Nameless"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("no_such_module:Mine", "arms[0].schedule.name: schedule 'no_such_module:Mine': no module named"),
        ("tests.schedules.own:Wavs", "has no 'Wavs'; did you mean 'Waves'?"),
        ("math:sqrt", "schedule 'math:sqrt' is a builtin_function_or_method; a class derived from droplab.schedules."),
        ("datetime:date", "is the class date; a class derived from droplab.schedules.Schedule or"),
        ({"name": WAVES, "waevs": 2}, "arms[0].schedule.waevs: unknown parameter; did you mean 'waves'?"),
        ({"name": WAVES, "waves": 0}, "arms[0].schedule.waves: input should be greater than or equal to 1; got 0"),
        ({"fc1": {"name": WAVES, "waves": "two"}}, "arms[0].schedule.fc1.waves: got 'two'; a number is wanted"),
        ("tests.schedules.own:Unfinished", "has no `factor`, which says what share of p acts"),
        ("tests.schedules.own:Unread", "lacks `error` or `reads`"),
        ("tests.schedules.own:Raises", "'tests.schedules.own:Raises' raised RuntimeError: not today"),
        (int, "arms[0].schedule: schedule 'int' is the class int; a class derived from"),
    ],
)
def test_what_is_wrong_is_said_by_its_place(given, line):
    with pytest.raises(SpecError) as caught:
        arm(given)
    assert len(caught.value.problems) == 1
    assert line in caught.value.problems[0]


def test_one_that_moves_wants_a_p():
    with pytest.raises(SpecError, match="the schedule 'waves' moves between 0 and p, and p is 0"):
        arm(WAVES, p=0.0)
    assert arm("tests.schedules.own:Accuracy", p=0.0).p == 0.0


def test_a_class_of_this_process_alone():
    class Mine(Waves):
        pass

    found = arm(Mine(waves=2))
    assert "@" in found.schedule["name"]
    assert for_sites(found.schedule) == [(None, Mine(waves=2))]
