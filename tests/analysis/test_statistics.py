from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from droplab.analysis import judge
from droplab.analysis.paired import MOST_SEEDS, holm, holm_levels, paired_t, seeds_needed
from droplab.analysis.student import quantile, two_sided_p
from tests.analysis.records import record


@given(st.floats(-60, 60), st.integers(1, 300))
def test_p_equals_scipys(t, df):
    assert two_sided_p(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-9, abs=1e-15)


@given(st.floats(0.001, 0.9999), st.integers(1, 300))
def test_quantile_equals_scipys(probability, df):
    assert quantile(probability, df) == pytest.approx(stats.t.ppf(probability, df), rel=1e-7, abs=1e-9)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=12).filter(lambda v: np.std(v) > 1e-3))
def test_paired_t_equals_scipys(values):
    ours, theirs = paired_t(values), stats.ttest_1samp(values, 0)
    interval = theirs.confidence_interval(0.95)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


def test_equal_counted_differences_are_not_certainty():
    assert paired_t([0.001] * 3).p == 0.0
    assert paired_t([0.001] * 3, resolution=0.001).p > 0.2


def test_holm_by_hand():
    assert holm([0.01, 0.02, 0.9]) == pytest.approx([0.03, 0.04, 0.9])
    assert holm([]) == []


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30), st.sampled_from([0.01, 0.05, 0.2]))
def test_holms_levels_agree_with_its_decisions(p_values, alpha):
    decided = [p < alpha for p in holm(p_values)]
    levels = holm_levels(p_values, alpha)
    assert [p < level for p, level in zip(p_values, levels, strict=True)] == pytest.approx(decided)
    assert all(alpha / len(p_values) <= level <= alpha for level in levels)


def test_holms_levels_by_hand():
    assert holm_levels([0.01, 0.02, 0.9], 0.05) == pytest.approx([0.05 / 3, 0.025, 0.05])
    assert holm_levels([0.001, 0.03, 0.02], 0.05) == pytest.approx([0.05 / 3, 0.05, 0.025])
    assert holm_levels([0.03, 0.04], 0.05) == pytest.approx([0.025, 0.025])
    assert holm_levels([], 0.05) == []


def test_seeds_needed_has_the_power_it_promises():
    result = paired_t([1.0, -0.2, 0.9, 0.1])
    n = seeds_needed(result, 0.05)
    rng = np.random.default_rng(0)
    draws = rng.normal(result.mean, result.sd, size=(4000, n))
    power = np.mean(stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05)
    assert power == pytest.approx(0.8, abs=0.05)
    assert seeds_needed(paired_t([1.0, -1.0, 1e-6]), 0.05) == MOST_SEEDS + 1


def _arms(base, other):
    return record({"base": base, "other": other})


def _run(val_loss, **last):
    epochs = len(val_loss)
    return {"val_loss": val_loss, **{name: [value] * epochs for name, value in last.items()}}


def test_one_seed_decides_nothing():
    verdict = judge(_arms([_run([1.0, 0.5, 2.0])], [_run([1.0, 0.5, 0.1])]))
    assert {effect.status for effect in verdict.effects} == {"undecided"}
    assert verdict.recommended == "base"
    assert math.isnan(verdict.effect("val_loss", "other").low)


def test_underfitting_is_named_and_not_recommended():
    noise = (0.0, 0.002, -0.002, 0.001, -0.001)
    base = [_run([0.6, 0.5 + e], fit_accuracy=0.95 + e, val_accuracy=0.8 + e) for e in noise]
    other = [_run([1.6, 1.5 - e], fit_accuracy=0.5 - e, val_accuracy=0.5 + 2 * e) for e in noise]
    verdict = judge(_arms(base, other))
    assert verdict.underfits == ("other",)
    assert verdict.effect("val_accuracy", "other").status == "contradicted"
    assert verdict.recommended == "base"


def test_turning_epoch_is_a_bound_where_the_arm_never_turned():
    base = [_run([1.0, 0.5, 0.9, 1.0])] * 3
    other = [_run([1.0, 0.9, 0.8, 0.7])] * 3
    effect = judge(_arms(base, other)).effect("turning_epoch", "other")
    assert effect.values == (2.0, 2.0, 2.0)
    assert effect.at_least


def test_a_smaller_gap_alone_is_no_reason():
    noise = (0.0, 0.01, -0.01, 0.02, -0.02)
    base = [_run([0.5 + e, 0.5 - e], gap=0.5 + e) for e in noise]
    other = [_run([0.5 - e, 0.5 + e], gap=0.1 + e) for e in noise]
    verdict = judge(_arms(base, other))
    assert verdict.effect("gap", "other").status == "supported"
    assert verdict.recommended == "base"


def test_failed_runs_leave_with_their_partners():
    runs = [_run([1.0, 0.5])] * 3
    made = _arms(runs, runs)
    key = next(key for key in made.runs if key.arm == "other")
    broken = {**made.runs, key: type(made.runs[key])(key, "failed", 1, "NaN", made.runs[key].metrics)}
    made = type(made)(**{**vars(made), "runs": broken})
    verdict = judge(made)
    assert verdict.effect("gap", "other").seeds == (1, 2)
    assert verdict.unfinished == (key,)


@pytest.mark.parametrize("t", [0.0, 1e-12, 1.192092896e-07, 1e-3, 40.0])
@pytest.mark.parametrize("df", [1, 2, 11, 300])
def test_p_is_exact_close_to_zero_and_far_out(t, df):
    assert two_sided_p(t, df) == pytest.approx(2 * stats.t.sf(t, df), rel=1e-9)


def _meant(verdict, arm):
    return {e.endpoint: verdict.consequence(e) for e in verdict.effects if e.arm == arm}


def test_arms_equal_to_the_bit_are_identical_and_need_no_more_seeds():
    runs = [_run([1.0, 0.5 + e, 0.9], val_accuracy=0.8 + e) for e in (0.0, 0.01)]
    verdict = judge(_arms(runs, runs))
    assert verdict.identical == ("other",)
    assert set(_meant(verdict, "other").values()) == {"identical"}
    assert [e.seeds_needed for e in verdict.effects if e.arm == "other"] == [None] * 5


def test_one_bit_of_one_epoch_is_a_difference():
    runs = [_run([1.0, 0.5, 0.9], val_accuracy=0.8)] * 2
    moved = [_run([math.nextafter(1.0, 2.0), 0.5, 0.9], val_accuracy=0.8), runs[1]]
    assert judge(_arms(runs, moved)).identical == ()


def test_a_failed_arm_is_not_identical():
    made = _arms([_run([1.0, 0.5])], [_run([1.0, 0.5])])
    assert judge(made).identical == ("other",)
    made = replace(made, runs={k: replace(r, state="failed") if k.arm == "other" else r for k, r in made.runs.items()})
    assert judge(made).identical == ()


def test_words_by_consequence():
    """What is bad news is no gain, whatever claim it supports: a gap that shrinks as nothing is learned, a cost."""
    noise = (0.0, 0.002, -0.002, 0.001, -0.001)
    base = [_run([1.0, 0.5] + [1.3 + e] * 10, fit_accuracy=0.99 + e, val_accuracy=0.76 + e, gap=1.3 + e) for e in noise]
    good = [_run([1.0] * 11 + [0.7 - e], fit_accuracy=0.94 - e, val_accuracy=0.79 - e, gap=0.6 - e) for e in noise]
    bad = [_run([2.0] * 11 + [2.1 - e], fit_accuracy=0.22 - e, val_accuracy=0.21 - e, gap=0.01 - e) for e in noise]
    verdict = judge(record({"base": base, "good": good, "bad": bad}))
    assert verdict.consequence(verdict.effect("overfits", "base")) == "worse"
    assert _meant(verdict, "good") == {
        "fit_accuracy": "cost",
        "turning_epoch": "cost",
        "val_loss": "better",
        "val_accuracy": "better",
        "gap": "better",
    }
    seen = _meant(verdict, "bad")
    assert (seen["fit_accuracy"], seen["val_loss"], seen["val_accuracy"], seen["gap"]) == (
        "cost",
        "worse",
        "worse",
        "neutral",
    )
    reversed_roles = judge(record({"bad": bad, "base": base}))
    assert _meant(reversed_roles, "base")["fit_accuracy"] == "neutral"
    assert _meant(reversed_roles, "base")["gap"] == "neutral"  # larger, while the results are better


def test_runs_that_still_improved_at_the_end_are_told():
    falling, turned = _run([1.0 - 0.01 * e for e in range(40)]), _run([1.0, 0.5] + [0.9] * 38)
    verdict = judge(
        record({"base": [turned] * 3, "most": [falling, falling, turned], "few": [falling, turned, turned]})
    )
    assert verdict.improving == ("most",)
    assert (verdict.summary("most").late, verdict.summary("few").late) == (2, 1)


def test_one_epoch_shows_no_improvement():
    assert judge(record({"base": [_run([1.0])] * 3, "other": [_run([0.9])] * 3})).improving == ()
    assert judge(record({"base": [_run([1.0, 0.9])] * 3})).improving == ("base",)
