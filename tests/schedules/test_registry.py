from __future__ import annotations

import json
import subprocess
import sys
import tomllib

import pytest

from droplab.errors import SpecError
from droplab.schedules import SCHEDULES, AdaptiveGap, Chain, Linear, Product, for_sites, make, normal_form
from droplab.spec import ArmSpec, ExperimentSpec, parse_spec


def arm(schedule, p=0.5) -> ArmSpec:
    return parse_spec({"arms": [{"name": "a", "p": p, "schedule": schedule}]}).arms[0]


def test_specs_with_constant_p_keep_the_identity_they_had_before_there_were_schedules():
    """Their folders and ledgers must be found again."""
    assert ExperimentSpec().identity() == "db22224408d1213a"
    plain = {"name": "a", "p": {"drop1": 0.5}}
    for given in ({}, {"schedule": "constant"}, {"schedule": {"name": "constant"}}):
        assert parse_spec({"arms": [{**plain, **given}]}).identity() == "632230b76a7ec98c"


def test_toml_and_python_are_the_same():
    text = """
        [[arms]]
        name = "a"
        p = {drop1 = 0.2, drop2 = 0.5}
        [arms.schedule]
        "drop1" = "linear"
        "drop*" = {name = "chain", at = [0.5], of = ["warm-up", {name = "linear", start = 1.0, end = 0.0}]}
    """
    chain = Chain(of=["warm-up", Linear(start=1, end=0)], at=[0.5])
    python = ArmSpec(name="a", p={"drop1": 0.2, "drop2": 0.5}, schedule={"drop1": Linear(), "drop*": chain})
    assert parse_spec(tomllib.loads(text)).arms[0] == python
    assert [inner for _, inner in for_sites(python.schedule)] == [Linear(), chain]


def test_spellings_of_one_schedule_are_one_experiment():
    assert arm("linear") == arm({"name": "linear"}) == arm({"name": "linear", "start": 0, "end": 1}) == arm(Linear())
    assert arm("linear") != arm("cosine")


@pytest.mark.parametrize(
    "name", [name for name in SCHEDULES if name not in {"piecewise", "chain", "product", "min", "max"}]
)
def test_every_name_stands_alone_and_is_written_out(name):
    spec = parse_spec({"arms": [{"name": "a", "p": 0.5, "schedule": name}]})
    written = json.loads(json.dumps(spec.canonical()))
    assert parse_spec(written) == spec
    assert parse_spec(written).identity() == spec.identity()


def test_all_problems_at_once_each_with_its_path():
    schedules = [
        "liner",
        {"name": "linear", "strat": 1, "end": 3},
        {"drop1": {"name": "piecewise", "at": [0.5, 0.2]}, "drop2": "cosin"},
        {"name": "product", "of": ["linear", {"name": "chain", "of": ["adaptive-gap"], "at": [0.5]}]},
        {},
        7,
        {"name": "adaptive-gap", "low": 0.5, "high": 0.2},
        {"name": "chain", "of": ["linear", "late"], "at": [0.2, 0.5]},
    ]
    arms = [{"name": f"a{place}", "p": 0.5, "schedule": given} for place, given in enumerate(schedules)]
    with pytest.raises(SpecError) as caught:
        parse_spec({"arms": arms})
    wanted = (
        "arms[0].schedule.name: no schedule 'liner'; did you mean 'linear'? (there are " + ", ".join(SCHEDULES),
        "arms[1].schedule.end: input should be less than or equal to 1; got 3",
        "arms[1].schedule.strat: unknown parameter; did you mean 'start'?; linear takes: start, end",
        "arms[2].schedule.drop1.at: each place must lie after the one before it; got [0.5, 0.2]",
        "arms[2].schedule.drop1.values: piecewise needs this parameter",
        "arms[2].schedule.drop2.name: no schedule 'cosin'; did you mean 'cosine'? (there are " + ", ".join(SCHEDULES),
        "arms[3].schedule.of.1.of.0.name: 'adaptive-gap' is adaptive; it acts on sites, and cannot be part",
        "arms[4].schedule.name: got an empty table; a name, or site patterns with their schedules, is wanted",
        "arms[5].schedule: got 7; a schedule's name, or a table with `name` and parameters, is wanted",
        "arms[6].schedule.low must be at most high; got low=0.5, high=0.2",
        "arms[7].schedule.of has 2 schedules and at has 2 places; one place fewer is wanted",
    )
    assert len(caught.value.problems) == len(wanted)
    for line, start in zip(caught.value.problems, wanted, strict=True):
        assert line.startswith(start)


def test_a_schedule_needs_a_p_to_move_to_and_an_adaptive_one_does_not():
    with pytest.raises(SpecError, match=r"arms\[0\]: the schedule 'late' moves between 0 and p, and p is 0"):
        arm("late", p=0.0)
    with pytest.raises(SpecError, match="p is 0"):
        arm({"drop1": "late"}, p={"drop1": 0.0})
    assert arm("adaptive-gap", p=0.0).p == 0.0


def test_made_in_python_the_same_problems_are_raised():
    with pytest.raises(SpecError, match=r"schedule 'linear' has 2 problems:\n.*start.*\n.*unknown parameter") as caught:
        Linear(start=-1, stop=2)
    assert len(caught.value.problems) == 2
    with pytest.raises(SpecError, match="at least one schedule"):
        Product(of=[])
    assert make(AdaptiveGap()) == AdaptiveGap()


def test_a_module_called_name_can_be_reached():
    assert for_sites({"[n]ame": "linear"}) == [("[n]ame", Linear())]
    assert normal_form({"[n]ame": "constant"}) == {"[n]ame": "constant"}


def test_schedules_need_no_torch():
    code = "import droplab.schedules, sys; assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
