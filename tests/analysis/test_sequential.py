"""What set "2" promises, by simulation of whole experiments. Seeds are fixed; two standard errors are allowed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from droplab.analysis import judge
from droplab.analysis.looks import Plan, levels, spent
from droplab.records import LOOKS
from tests.analysis.sequences import NOISES, PLAN, experiment, until_decided


def rate(count, of, most=0.05):
    """A share that is at most ``most``, give or take two of its standard errors."""
    assert count / of <= most + 2 * math.sqrt(most * (1 - most) / of), f"{count} of {of}"
    return count / of


def ends(rng, noise, shifts, experiments, plan=PLAN):
    """How each arm of each experiment ended, and the runs that it took."""
    for _ in range(experiments):
        drawn = NOISES[noise](rng, (len(shifts) + 1, plan.looks[-1]))
        drawn[1:] += np.array(shifts)[:, None]
        record, last = until_decided(experiment(drawn, plan), plan)
        yield last.ended, len(record.runs)


@pytest.mark.parametrize("share", [1.0, 1 / 5, 1 / 13])
def test_each_look_spends_what_was_planned(share):
    """The chance of having crossed by each look, under normal differences; 200,000 paths."""
    rng = np.random.default_rng(1)
    at = np.array(LOOKS)
    limits = [stats.t.isf(level / 2, n - 1) for level, n in zip(levels(LOOKS, 0.05 * share), LOOKS, strict=True)]
    crossed = np.zeros((200_000, len(LOOKS)), bool)
    for part in np.array_split(np.arange(len(crossed)), 10):
        drawn = rng.standard_normal((len(part), at[-1]))
        mean, square = drawn.cumsum(1)[:, at - 1] / at, (drawn * drawn).cumsum(1)[:, at - 1]
        error = np.sqrt((square - at * mean**2) / (at - 1) / at)
        crossed[part] = np.logical_or.accumulate(np.abs(mean) > limits * error, axis=1)
    wanted = np.array(spent(LOOKS, 0.05 * share))
    assert crossed.mean(0) == pytest.approx(wanted, abs=0.02 * wanted[-1] + 3 * math.sqrt(wanted[-1] / len(crossed)))


def test_levels_between_powers_of_two_are_those_that_are_computed():
    for arms in (3, 5, 13):
        exact = levels(LOOKS, 0.05 / arms)
        assert [PLAN.level(n, 1 / arms) for n in LOOKS] == pytest.approx(exact, rel=0.015)


def test_one_arm_is_decided_soon_and_rarely_wrongly():
    rng = np.random.default_rng(2)
    null = [end for end, _ in ends(rng, "normal", [0.0], 1000)]
    rate(sum(end["a1"] in {"better", "worse"} for end in null), len(null))
    strong = list(ends(rng, "normal", [-2 * math.sqrt(2)], 300))  # two standard deviations of the differences
    assert all(end["a1"] == "better" for end, _ in strong)
    assert np.mean([runs / 2 for _, runs in strong]) <= 6.5
    weak = [end["a1"] for end, _ in ends(rng, "normal", [math.sqrt(2)], 300)]
    assert np.mean([end == "worse" for end in weak]) >= 0.9
    assert "better" not in weak


@pytest.mark.parametrize("noise", NOISES)
def test_false_answers_of_many_arms_are_rare(noise):
    """Five arms, two of them better: neither may the others be told from the baseline, nor these be called worse."""
    rng = np.random.default_rng(3)
    shifts = [-2.5, -1.5, 0.0, 0.0, 0.0]
    wrong = [
        "worse" in end.values() or any(end[arm] == "better" for arm in ("a3", "a4", "a5"))
        for end, _ in ends(rng, noise, shifts, 120)
    ]
    rate(sum(wrong), len(wrong))


@pytest.mark.parametrize("arms", [1, 5])
def test_equal_is_rarely_said_of_a_difference_as_large_as_the_margin(arms):
    rng = np.random.default_rng(4)
    plan = Plan(LOOKS, margin=1.5)
    found = [end.values() for end, _ in ends(rng, "normal", [1.5] * arms, 400 // arms, plan)]
    rate(sum("equal" in end for end in found), len(found))
    near = [end["a1"] for end, _ in ends(rng, "normal", [0.1], 150, plan)]
    assert near.count("equal") > 75


@pytest.mark.prove
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("arms", "real"), [(1, 0), (5, 0), (5, 2), (13, 0), (13, 4), (13, 9)])
def test_false_answers_are_rare(arms, noise, real):
    """The complete null, and mixtures with it; with a margin, that of "equal" too."""
    rng = np.random.default_rng(5)
    plan, experiments = Plan(LOOKS, margin=1.0), 4000 // arms + 300
    shifts = [*np.linspace(-3, -1, real), *([0.0] * (arms - real))]
    false = [f"a{place + 1}" for place in range(real, arms)]
    wrong = equal = 0
    for end, _ in ends(rng, noise, shifts, experiments, plan):
        wrong += "worse" in end.values() or any(end[arm] == "better" for arm in false)
        equal += any(end[f"a{place + 1}"] == "equal" for place in range(real))
    print(f"\n{arms} arms, {real} better, {noise}: false {rate(wrong, experiments):.4f}", end=" ")
    print(f"equal {rate(equal, experiments):.4f} (± {math.sqrt(0.05 * 0.95 / experiments):.4f})")


@pytest.mark.prove
@pytest.mark.parametrize("margin", [0.5, 1.0, 2.0, 4.0])
def test_equal_is_rare_at_the_margin_of_many_arms(margin):
    """Whatever the power with which the others are called worse, which hand their shares on."""
    rng = np.random.default_rng(8)
    plan = Plan(LOOKS, margin=margin)
    found = [end.values() for end, _ in ends(rng, "normal", [margin] * 13, 300, plan)]
    print(f"\nmargin {margin}: equal {rate(sum('equal' in end for end in found), len(found)):.4f}")


@pytest.mark.prove
@pytest.mark.parametrize("d", [1.0, 1.5, 2.0])
def test_power_of_thirteen_arms(d):
    """A fixed design of 5 seeds: at least what Holm's procedure over the same comparisons finds, as it is that one."""
    rng = np.random.default_rng(6)
    ours = holm = first = 0
    for _ in range(400):
        drawn = rng.standard_normal((14, 5))
        drawn[1:] -= d * math.sqrt(2)
        verdict = judge(experiment(drawn, Plan((5,))))
        ours += sum(answer.says == "better" for answer in verdict.primary.answers)
        p = np.sort(stats.ttest_1samp(drawn[1:] - drawn[0], 0, axis=1).pvalue)
        holm += np.cumprod(p < 0.05 / (13 - np.arange(13))).sum()
        first += (p < 0.05 / (1 + 5 * 13)).sum()
    print(f"\nd = {d}: {ours / 5200:.3f}; Holm {holm / 5200:.3f}; first step of 1 + 5 × arms {first / 5200:.3f}")
    assert ours == holm > first
