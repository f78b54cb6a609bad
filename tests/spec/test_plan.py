"""What specs say of how they are judged: it comes into the design, and no hash of a training depends on it."""

from __future__ import annotations

import pytest

from droplab.analysis import Plan, plan_of
from droplab.errors import SpecError
from droplab.records import LOOKS
from droplab.spec import LoopSpec, parse_spec
from droplab.spec.plan import continued, kept
from tests.analysis.sequences import experiment

LOOP = {"loop": "my.training:train", "measures": {"loss": "lower"}}


def spec(**more):
    return parse_spec(more)


def loop(**more):
    return LoopSpec.model_validate(LOOP | more)


@pytest.mark.parametrize("made", [spec, loop])
def test_the_design_gets_the_plan(made):
    assert kept(made(seeds=5)) == {"set": "2", "margin": None, "looks": [5], "alpha": 0.05}
    assert kept(made(seeds=5, margin=0.1, looks=[3, 5]))["looks"] == [3, 5]
    assert kept(made(seeds=1))["looks"] == [2]
    assert kept(made(seeds=5, endpoints="1")) == {"set": "1"}


@pytest.mark.parametrize("made", [spec, loop])
def test_until_decided_is_a_number_of_seeds_and_looks(made):
    found = made(seeds="until-decided", margin=0.01)
    assert (found.seeds, found.looks) == (tuple(range(20)), LOOKS)
    fewer = made(seeds="until-decided", looks=[4, 8])
    assert (len(fewer.seeds), kept(fewer)["looks"]) == (8, [4, 8])


@pytest.mark.parametrize("made", [spec, loop])
def test_no_hash_and_no_stored_spec_knows_of_it(made):
    plain, planned = made(seeds=5, endpoints="1"), made(seeds=5, margin=0.1, looks=[3, 5])
    assert plain.identity() == planned.identity()
    assert plain.canonical() == planned.canonical()


def test_what_a_design_says_is_what_analysis_reads():
    design = kept(spec(seeds=5, margin=0.1, looks=[3, 5]))
    assert plan_of(experiment([[0.0] * 5] * 2, Plan((5,)))) == Plan((5,))
    record = experiment([[0.0] * 5] * 2)
    assert plan_of(type(record)(**{**vars(record), "endpoints": design})) == Plan((3, 5), margin=0.1)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"margin": 0.0}, "margin"),
        ({"looks": [3, 3], "seeds": 3}, "looks are numbers of seeds that rise"),
        ({"looks": [3, 4], "seeds": 5}, "the last look is at all seeds, 5"),
        ({"looks": [1, 5], "seeds": 5}, "looks"),
        ({"endpoints": "1", "margin": 0.1}, 'belong to endpoints "2"'),
        ({"endpoints": "3"}, "endpoints"),
        ({"seeds": "until-decidd"}, "did you mean 'until-decided'"),
        ({"seeds": "five"}, "'five'"),
    ],
)
def test_plans_that_cannot_be(more, message):
    with pytest.raises(SpecError, match=message):
        spec(**more)


def test_a_change_of_the_plan_is_said_where_results_could_be_seen():
    before = kept(spec(seeds=5, margin=0.1))
    assert continued(before, spec(seeds=8), seen=True) == (before, None)
    assert continued(before, spec(seeds=5, margin=0.1), seen=True) == (before, None)
    after, notice = continued(before, spec(seeds=5, margin=0.2), seen=True)
    assert (after["margin"], notice.code) == (0.2, "plan_changed")
    assert notice.detail["before"] == "endpoints 2, margin 0.1, looks 5"
    assert continued(before, spec(seeds=5, margin=0.2), seen=False)[1] is None
    assert continued({}, spec(seeds=5, margin=0.2), seen=True) == ({}, None)
