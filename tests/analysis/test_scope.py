"""What intervals hold for: one split, drawn ones, new validation samples; by simulation, and what is said of it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

import droplab
from droplab.analysis import NO_NUMBER, judge, scope_of
from droplab.analysis.looks import Plan
from droplab.analysis.paired import paired_t, seeds_needed
from droplab.analysis.pilot import pilot
from droplab.analysis.scope import check_scope, weakest
from droplab.errors import UserError
from droplab.records import LOOKS, Notice
from droplab.report import render
from droplab.report.machine import verdict_json
from droplab.report.planning import render_pilot
from droplab.resampling import NOTICE
from tests.analysis.populations import Scheme, one_split, record, runs, truth
from tests.analysis.records import simulate
from tests.analysis.sequences import experiment, until_decided
from tests.training.loops import Net

SCHEMES = {
    "drawn": Scheme(True, 20),
    "a third": Scheme(True, 20, 0.3),
    "train_size": Scheme(True, 20, 0.2, keep=30),
    "an arm's own": Scheme(True, 20, 0.2, own=30),
    "an arm's own in folds": Scheme("5-fold", 20, own=15),
    "folds": Scheme("5-fold", 5),
    "repeated": Scheme("5-fold", 20),
    "grouped": Scheme("5-fold", 15, groups=25),
    "drawn groups": Scheme(True, 20, 0.2, groups=25),
    "heavy": Scheme(True, 20, heavy=True),
}


def covered(scheme, experiments, times, seed=1):
    """How often the interval of the verdict, and one without the correction, held the truth."""
    rng = np.random.default_rng(seed)
    wanted, ours, plain = truth(rng, scheme, times), 0, 0
    for _ in range(experiments):
        table, detail = runs(rng, scheme)
        answer = judge(record(table, detail, scheme)).primary.answers[0]
        ours += answer.low <= wanted <= answer.high
        without = paired_t(table[1] - table[0])
        plain += without.low <= wanted <= without.high
    return ours / experiments, plain / experiments


def enough(share, of, least=0.93):
    """A share that is at least 93 %, give or take two standard errors."""
    assert share >= least - 2 * math.sqrt(least * (1 - least) / of), share


def test_an_arm_with_a_training_set_of_its_own_has_the_same_correction():
    """Splits have their validation samples in common, however many of the others an arm trains on."""
    ours, plain = covered(SCHEMES["an arm's own in folds"], 60, 1200)
    enough(ours, 60)
    assert plain < 0.93 - 2 * math.sqrt(0.93 * 0.07 / 60)


def test_intervals_of_drawn_splits_hold_the_truth_where_plain_ones_do_not():
    ours, plain = covered(SCHEMES["train_size"], 120, 2500)
    enough(ours, 120)
    assert plain < 0.93 - 2 * math.sqrt(0.93 * 0.07 / 120)


@pytest.mark.prove
@pytest.mark.parametrize("name", SCHEMES)
def test_intervals_of_drawn_splits_hold_the_truth(name):
    ours, plain = covered(SCHEMES[name], 600, 10_000)
    print(f"\n{name}: {ours:.3f}, without the correction {plain:.3f} (± {math.sqrt(0.93 * 0.07 / 600):.3f})")
    enough(ours, 600)


@pytest.mark.prove
def test_what_nearly_learns_its_samples_by_heart_is_covered_less():
    """Where a training depends on each of its samples, splits have more in common than the correction takes."""
    for scheme in (Scheme(True, 20, width=60), Scheme("5-fold", 20, width=60)):
        ours, plain = covered(scheme, 400, 10_000)
        print(f"\n60 inputs, {scheme.resample}: {ours:.3f}, without the correction {plain:.3f}")
        assert plain < 0.75 < ours


def decided_wrongly(experiments, times):
    """How often one of the planned looks says better or worse of arms that are equally good."""
    rng, scheme, plan = np.random.default_rng(3), Scheme(True, LOOKS[-1]), Plan(LOOKS)
    away, wrong = truth(rng, scheme, times), 0
    for _ in range(experiments):
        table, detail = runs(rng, scheme)
        table[1] -= away
        _, last = until_decided(record(table, detail, scheme, plan), plan)
        wrong += last.ended["a1"] in {"better", "worse"}
    return wrong / experiments


def test_looks_at_drawn_splits_are_rarely_wrong():
    assert decided_wrongly(100, 2500) <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 100)


@pytest.mark.prove
def test_looks_at_drawn_splits_are_rarely_wrong_at_length():
    found = decided_wrongly(600, 10_000)
    print(f"\nlooks at drawn splits: {found:.4f} (± {math.sqrt(0.05 * 0.95 / 600):.4f})")
    assert found <= 0.05


def crossed(seeds, samples, shake, experiments):
    """How often the interval for new data held the truth, and that of the split."""
    rng, ours, split = np.random.default_rng(4), 0, 0
    for _ in range(experiments):
        made, wanted = one_split(rng, seeds, samples, shake)
        answer = judge(made).primary.answers[0]
        assert answer.new_data.low <= answer.mean <= answer.new_data.high
        ours += answer.new_data.low <= wanted <= answer.new_data.high
        split += answer.low <= wanted <= answer.high
    return ours / experiments, split / experiments


def test_the_interval_for_new_data_holds_the_truth_where_that_of_the_split_does_not():
    ours, split = crossed(5, 200, 0.03, 250)
    enough(ours, 250)
    assert split < 0.8


@pytest.mark.prove
@pytest.mark.parametrize(
    ("seeds", "samples", "shake"), [(3, 200, 0.03), (5, 1000, 0.1), (10, 200, 0.01), (5, 100, 0.3)]
)
def test_the_interval_for_new_data_holds_the_truth(seeds, samples, shake):
    ours, split = crossed(seeds, samples, shake, 2000)
    print(f"\n{seeds} seeds, {samples} samples, {shake}: {ours:.3f}, for this split {split:.3f}")
    enough(ours, 2000)


# what follows from a scope --------------------------------------------------------------------------


def resampled(made, resample=True, *sizes):
    notices = tuple(Notice(NOTICE, detail={"validation": one, "training": other}) for one, other in sizes)
    return replace(made, spec={**made.spec, "resample": resample}, notices=notices)


def test_every_interval_is_wider_by_what_splits_share():
    plain = simulate(np.random.default_rng(0), 4, effect=True)
    drawn = resampled(plain, True, (500, 2000))
    for before, after in zip(judge(plain).effects, judge(drawn).effects, strict=True):
        assert after.mean == before.mean
        wider = math.sqrt(1 + 4 * 0.25)
        assert (after.high - after.low) == pytest.approx(wider * (before.high - before.low))
        assert after.p > before.p


def test_the_scope_is_that_of_the_notices_or_of_the_folds():
    made = simulate(np.random.default_rng(0), 3, effect=False)
    assert scope_of(made).resample is False
    assert scope_of(resampled(made, "5-fold")).ratio == 0.25
    found = scope_of(resampled(made, "5-fold", (90, 410), (110, 390)))
    assert (found.validation, found.training) == ((90, 110), (390, 410))
    assert found.ratio == pytest.approx((90 / 410 + 110 / 390) / 2)
    unknown = judge(resampled(made))
    assert all(effect.status == "undecided" for effect in unknown.effects)  # nothing is known of the splits


def test_a_number_of_seeds_is_named_only_where_there_is_one():
    noisy = [0.5, 1.5, -0.2, 0.4, -1.0]
    assert seeds_needed(paired_t(noisy), 0.05) > 5
    assert seeds_needed(paired_t(noisy, ratio=0.25), 0.05) == NO_NUMBER
    clear = [1.0, 2.1, 0.2, 1.4, 2.8]
    assert 5 < seeds_needed(paired_t(clear, ratio=0.05), 0.01) < 50
    assert weakest(1.0, 0.05) == pytest.approx(1.959964 + 0.841621, abs=1e-4)


def test_a_pilot_of_drawn_splits_promises_less():
    table = np.random.default_rng(0).normal(1, 0.1, (2, 3))
    plain, drawn = pilot(experiment(table)), pilot(resampled(experiment(table), "5-fold"))
    assert all(after.effect > before.effect for before, after in zip(plain.designs, drawn.designs, strict=True))
    assert drawn.designs[-1].effect > weakest(0.25, 0.05) * math.sqrt(2) * drawn.sd
    assert drawn.expected[0].decided < plain.expected[0].decided
    assert plain.least == 0
    assert 0 < drawn.least < drawn.designs[-1].effect
    assert "no number of seeds shows a difference below" in render_pilot(drawn, "x")
    assert "の差は示せません" in render_pilot(drawn, "x", "ja")


def test_no_number_of_seeds_could_decide_stops_before_training(tmp_path):
    trained = []

    def train(run):
        trained.append(run.seed)
        run.split(40)
        run.prepare(Net)
        for _ in run.epochs(1):
            run.report(val_loss=0.5)

    with pytest.raises(UserError, match="no number of seeds could decide: each validates on 1 times as many"):
        droplab.compare(train, arms=[0, 0.1, 0.2], seeds=4, resample="2-fold", out=tmp_path / "two")
    assert not trained
    check_scope(resampled(experiment(np.zeros((14, 2))), "5-fold"), Plan((2,)))


def test_the_verdict_says_what_it_holds_for():
    rng = np.random.default_rng(0)
    scheme = SCHEMES["repeated"]
    made = record(*runs(rng, scheme), scheme)
    verdict = judge(made)
    assert "one of 5 folds, drawn anew after every 5 seeds (20 samples; 80 others)" in render(verdict, made)
    assert "1/シード数+0.25" in "".join(render(verdict, made, "ja").split())
    told = verdict_json(verdict, made)
    assert told["scope"] == {"splits": "5-fold", "ratio": 0.25, "validation": [20, 20], "training": [80, 80]}
    assert told["primary"]["answers"][0]["new_data"]["low"] is None
    split, _ = one_split(rng, 5, 200, 0.03)
    verdict = judge(split)
    for lang, words in (("en", "For other validation samples too"), ("ja", "ほかの検証データも含めた区間")):
        assert words in render(verdict, split, lang)
    told = verdict_json(verdict, split)
    assert told["scope"]["splits"] == "one"
    assert told["primary"]["answers"][0]["new_data"]["folds"] == 5
    json.dumps(told, allow_nan=False)
