"""Set "2": what is read from the intervals, what failures do, what is asked afterwards, and which runs come next."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from droplab.analysis import judge
from droplab.analysis.looks import Plan
from droplab.analysis.planned import plan_of, written
from droplab.analysis.shares import exact_share
from droplab.analysis.until import chance, next_seeds, wanted
from droplab.errors import UserError
from droplab.records import RunKey
from tests.analysis.records import record, simulate
from tests.analysis.sequences import PLAN, experiment, failed, until_decided

NOISE = np.array([0.0, 0.004, -0.004, 0.002, -0.002, 0.001, -0.003, 0.003])
FIVE = Plan((5,))


def answer(made, arm="a1"):
    return judge(made).primary.of(arm)


def test_a_record_without_a_plan_is_judged_as_before():
    made = simulate(np.random.default_rng(0), 5, effect=True)
    assert plan_of(made) is None
    assert judge(made).primary is None
    assert judge(made).recommended == "b"


def test_a_plan_comes_back_from_a_design():
    plan = Plan((3, 5), margin=0.1, alpha=0.01)
    assert plan_of(experiment(np.zeros((2, 5)), plan)) == plan
    assert written(plan)["looks"] == [3, 5]
    with pytest.raises(UserError, match="newer droplab"):
        judge(replace(experiment(np.zeros((2, 5))), endpoints={"set": "3"}))


@pytest.mark.parametrize("bad", [{"looks": ()}, {"looks": (5, 3)}, {"looks": (1,)}, {"margin": 0.0}, {"alpha": 1.0}])
def test_plans_that_cannot_be(bad):
    with pytest.raises(UserError, match="got"):
        Plan(**{"looks": (5,), **bad})


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.sampled_from([None, 0.5, 1.0, 3.0]))
def test_the_answer_is_a_reading_of_the_interval_that_is_shown(seed, arms, margin):
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((arms + 1, 8)) * 0.5 + rng.uniform(-1, 1, (arms + 1, 1))
    for found in judge(experiment(drawn, Plan((5, 8), margin))).primary.answers:
        inside = margin is not None and -margin < found.low and found.high < margin
        away = found.low > 0 or found.high < 0
        assert found.says == ("equal" if inside else ("undecided", "better", "worse")[away and 1 + (found.mean > 0)])
        assert (found.seeds_needed is None) == found.decided


def test_four_answers():
    values = [NOISE[:5], NOISE[:5][::-1] - 0.1, NOISE[:5][::-1] + 0.1, NOISE[:5][::-1], 20 * NOISE[:5][::-1] + 0.01]
    verdict = judge(experiment(values, Plan((5,), margin=0.03)))
    assert [found.says for found in verdict.primary.answers] == ["better", "worse", "equal", "undecided"]
    meant = [verdict.consequence(effect) for effect in verdict.effects if effect.finding == 0]
    assert meant == ["better", "worse", "equal", "open"]
    assert (verdict.recommended, verdict.better_by) == ("a1", ("as_reported",))


def test_an_arm_that_lost_runs_is_not_called_better_nor_equal():
    values = [NOISE[:5], NOISE[:5][::-1] - 0.1]
    made = experiment(values, Plan((5,), margin=0.5))
    lost = failed(made, RunKey("a1", 4))
    assert answer(made).says == "equal"
    assert (answer(lost).says, answer(lost).why) == ("undecided", "failures")
    assert (answer(replace(lost, endpoints=written(FIVE))).says, answer(lost).failures.count) == ("undecided", 1)
    assert judge(lost).recommended == "base"
    worse = experiment([NOISE[:5], NOISE[:5][::-1] + 0.1], FIVE)
    assert answer(failed(worse, RunKey("a1", 4))).says == "worse"
    assert answer(failed(worse, RunKey("base", 4))).why == "failures"


def test_a_machine_that_failed_is_no_outcome():
    made = experiment([NOISE[:5], NOISE[:5][::-1] - 0.1], FIVE)
    found = answer(failed(made, RunKey("a1", 4), retry=True))
    assert (found.says, found.why, found.failures.count) == ("undecided", "look", 0)


def test_a_look_waits_for_all_its_pairs():
    made = experiment([NOISE, NOISE[::-1] - 0.1], Plan((3, 8)))
    some = replace(made, runs={k: run for k, run in made.runs.items() if k.seed < 7})
    assert (answer(some).look, answer(some).next_look, len(answer(some).seeds)) == (3, 8, 3)
    early = replace(made, runs={k: run for k, run in made.runs.items() if k.seed < 2})
    assert (answer(early).why, answer(early).decided) == ("look", False)


@pytest.mark.parametrize(("count", "of"), [(0, 5), (1, 5), (5, 5), (3, 20)])
def test_exact_shares_are_scipys(count, of):
    wanted = binomtest(count, of).proportion_ci(0.95, "exact")
    assert exact_share(count, of) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def test_other_questions_are_asked_of_answered_arms_only():
    def runs(low, last):
        return [{"val_loss": [1.0, low + e, last + e], "fit_loss": [0.9, 0.4, 0.1 + e]} for e in NOISE[:5]]

    arms = {"none": runs(0.6, 1.2), "good": runs(0.5, 0.7), "same": runs(0.6, 0.7)[::-1]}
    made = replace(record(arms), endpoints=written(FIVE))
    verdict = judge(made)
    assert [found.says for found in verdict.primary.answers] == ["better", "undecided"]
    assert verdict.primary.end.name == "best_epoch"
    asked = {(effect.arm, effect.endpoint) for effect in verdict.effects if effect.finding}
    assert {arm for arm, _ in asked} == {"none", "good"}
    assert verdict.effect("val_loss", "good").status == "supported"
    assert verdict.effect("overfits", "none").status == "supported"
    assert verdict.recommended == "good"


def test_the_first_answer_waits_for_three_seeds_then_more():
    drawn = np.random.default_rng(0).standard_normal((3, 20))
    drawn[1] -= 20
    whole = experiment(drawn)
    first = next_seeds(replace(whole, runs={}), PLAN)
    assert {(key.arm, key.seed) for key in first.runs} == {(a, s) for a in ("base", "a1", "a2") for s in range(3)}
    record_, last = until_decided(whole, PLAN)
    assert last.ended["a1"] == "better"
    assert sum(key.arm == "a1" for key in record_.runs) < sum(key.arm == "base" for key in record_.runs)
    assert last.saved == 60 - len(record_.runs)
    assert wanted(replace(whole, runs={})) == first.runs
    assert wanted(record_) == ()
    assert wanted(experiment(drawn[:, :5], FIVE)) is None
    with pytest.raises(UserError, match="20 seeds"):
        next_seeds(experiment(drawn[:, :5], FIVE), PLAN)


def test_arms_without_hope_and_arms_that_failed_get_no_more_seeds():
    flat = np.tile([1.0, -1.0, 1.0, -1.0], 5)
    _, last = until_decided(experiment([np.zeros(20), flat]), PLAN)
    assert last.ended["a1"] == "hopeless"
    gone = [RunKey("a1", seed) for seed in range(20)]
    made = failed(experiment([np.zeros(20), np.full(20, -1.0) + 0.01 * flat]), *gone[:1])
    assert until_decided(made, PLAN)[1].ended["a1"] == "failures"
    assert until_decided(experiment([flat, flat]), PLAN)[1].ended["a1"] == "identical"


def test_the_chance_of_a_decision_is_the_one_that_is_seen():
    """Predicted from 8 pairs of a known spread, against pairs that come."""
    rng = np.random.default_rng(1)
    plan = Plan((8, 20), margin=0.8)
    drawn = np.vstack([np.zeros(20), rng.standard_normal(20) * 0.8 + 0.5])
    made = experiment(drawn, plan)
    seen = answer(replace(made, runs={k: run for k, run in made.runs.items() if k.seed < 8}))
    hits = []
    for _ in range(400):
        t = rng.standard_t(7)
        mean = seen.mean + t * seen.sd / math.sqrt(8)
        drawn[1, 8:] = mean + seen.sd * rng.standard_normal(12)
        hits.append(answer(experiment(drawn, plan)).decided)
    assert chance(seen, plan, 1.0) == pytest.approx(np.mean(hits), abs=0.12)
