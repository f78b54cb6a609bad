"""Which arm is named: never one that another beats, and none that is not shown to be better than the baseline."""

from __future__ import annotations

import numpy as np
import pytest

from droplab.analysis import judge
from droplab.analysis.recommend import _beats, recommend, statuses
from tests.analysis.records import record

NOISE = (0.0, 0.004, -0.004, 0.002, -0.002)


def _seeds(loss, accuracy, wobble=1.0):
    """Five seeds that overfit: lowest in the middle, ``loss`` at the end."""
    return [
        {"val_loss": [1.0, 0.5, loss + wobble * e], "val_accuracy": [0.5, 0.5, accuracy - wobble * e]} for e in NOISE
    ]


BASE = _seeds(1.3, 0.76, wobble=-1.0)


def test_a_tie_in_loss_goes_to_the_more_accurate():
    """Of rates 0.5 and 0.8 in docs/results/rates.md: the second has a loss lower by 0.002 and is 3.6 points worse."""
    made = record({"none": BASE, "0.5": _seeds(0.766, 0.780), "0.8": _seeds(0.764, 0.745)})
    verdict = judge(made)
    assert verdict.recommended == "0.5"
    assert verdict.rivals == ()


def test_an_arm_of_a_lower_loss_and_no_worse_accuracy_is_taken():
    made = record({"none": BASE, "0.1": _seeds(1.0, 0.781), "0.5": _seeds(0.7, 0.780, -1.0)})
    assert judge(made).recommended == "0.5"


def test_arms_that_cannot_be_told_apart_are_named_together():
    made = record({"none": BASE, "a": _seeds(0.70, 0.780, 2.0), "b": _seeds(0.701, 0.781, -2.0)})
    verdict = judge(made)
    assert (verdict.recommended, verdict.rivals) == ("b", ("a",))


def test_an_arm_that_is_worse_in_anything_is_no_candidate():
    made = record({"none": BASE, "a": _seeds(0.7, 0.6)})
    verdict = judge(made)
    assert verdict.effect("val_loss", "a").status == "supported"
    assert verdict.recommended == "none"


def test_the_order_of_arms_decides_nothing():
    arms = {"0.5": _seeds(0.766, 0.780), "0.8": _seeds(0.764, 0.745), "0.3": _seeds(0.93, 0.778)}
    for order in (arms, dict(reversed(arms.items()))):
        assert judge(record({"none": BASE, **order})).recommended == "0.5"


@pytest.mark.parametrize("count", [2, 3])
def test_what_is_recommended_is_beaten_by_no_candidate(count):
    """The law, over arms drawn at random: no candidate has a loss that ties and an accuracy that is shown higher."""
    rng = np.random.default_rng(count)
    seen = 0
    for _ in range(150):
        arms = {f"a{i}": _seeds(rng.uniform(0.6, 0.8), rng.uniform(0.74, 0.82), rng.normal()) for i in range(count)}
        made = record({"none": BASE, **arms})
        verdict = judge(made)
        found = {arm: statuses(verdict.effects, arm) for arm in arms}
        better = [arm for arm in arms if "supported" in {found[arm]["val_loss"], found[arm]["val_accuracy"]}]
        better = [arm for arm in better if "contradicted" not in found[arm].values()]
        assert (verdict.recommended != "none") == bool(better)
        if not better:
            continue
        beaten = {arm for arm in better if any(_beats(made, other, arm, 0.05) for other in better if other != arm)}
        seen += bool(beaten) and beaten != set(better)
        assert verdict.recommended not in beaten or beaten == set(better)
    assert seen > 20


def test_nothing_is_chosen_of_nothing():
    assert recommend(record({"none": BASE}), [], 0.05) == ("none", (), ())
