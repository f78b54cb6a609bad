"""Questions follow from measures; those of loss and accuracy are the ones that were written down first."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from droplab.analysis import judge
from droplab.analysis.endpoints import lowest, rises
from droplab.analysis.questions import derive
from droplab.analysis.recommend import by_weight
from droplab.records import CLASSIFICATION, ExperimentRecord, Measure, RunKey, RunRecord

NOISE = (0.0, 0.004, -0.004, 0.002, -0.002)
RMSE, R2, F1 = Measure("rmse", "lower"), Measure("r2", "higher"), Measure("f1", "higher", "share")


def experiment(measures, curves, **more):
    """From ``{arm: [one {metric: curve} per seed]}``; a guest's loop reports nothing else."""
    runs = {
        RunKey(arm, seed): RunRecord(RunKey(arm, seed), "done", max(map(len, run.values())), "", run)
        for arm, seeds in curves.items()
        for seed, run in enumerate(seeds)
    }
    arms = tuple(curves)
    spec = {"arms": [{"name": arm} for arm in arms]}
    epochs = max(run.epochs_done for run in runs.values())
    made = ExperimentRecord("guest", "0", spec, arms, arms[0], tuple(range(len(curves[arms[0]]))), epochs, runs, {})
    return replace(made, measures=measures, **more)


def test_loss_and_accuracy_are_asked_what_was_written_down_first():
    asked = derive(CLASSIFICATION, ())
    assert (asked.overfits.name, asked.overfits.finding, asked.overfits.claim) == ("overfits", 1, +1)
    assert [(end.name, end.finding, end.claim) for end in asked.others] == [
        ("fit_accuracy", 2, -1),
        ("turning_epoch", 2, +1),
        ("val_loss", 3, -1),
        ("val_accuracy", 3, +1),
        ("gap", 3, -1),
    ]
    assert [end.name for end in asked.shown] == ["fit_accuracy", "fit_loss", "val_loss", "val_accuracy", "gap"]
    assert asked.alike == ("fit_loss", "val_loss", "fit_accuracy", "val_accuracy")
    assert [end.name for end in by_weight(asked.judged)] == ["val_accuracy", "val_loss"]


@pytest.mark.parametrize(
    ("measures", "names", "overfits", "others"),
    [
        ((RMSE, R2), "fit_rmse val_rmse fit_r2 val_r2", True, "fit_r2 turning_epoch val_rmse val_r2 gap"),
        ((RMSE, R2), "train_rmse val_rmse train_r2 val_r2", True, "turning_epoch val_rmse val_r2 gap"),
        ((RMSE, R2), "val_rmse val_r2", False, "val_rmse val_r2"),
        ((RMSE, R2), "rmse r2", False, "rmse r2"),
        ((RMSE, R2), "train_rmse rmse lr", True, "turning_epoch rmse gap"),
        ((RMSE, R2), "val_r2 fit_rmse", False, "val_r2"),
        ((F1, RMSE), "fit_f1 val_f1 fit_rmse val_rmse", False, "fit_rmse val_f1 val_rmse"),
        ((RMSE,), "lr seconds", False, ""),
    ],
)
def test_what_is_not_reported_is_not_asked(measures, names, overfits, others):
    asked = derive(measures, names.split())
    assert (asked.overfits is not None) == overfits
    assert [end.name for end in asked.others] == others.split()


def _regression(low, high):
    return [
        {
            "train_rmse": (9.0, 5.0, 3.0 + e),
            "val_rmse": (9.0, 6.0, low + e),
            "val_r2": (0.0, 0.3, high - 0.1 * e),
            "fit_r2": (0.0, 0.5, 0.9 - 0.1 * e),
        }
        for e in NOISE
    ]


def test_a_regression_is_judged_by_its_own_measures():
    verdict = judge(experiment((RMSE, R2), {"none": _regression(8.0, 0.3), "half": _regression(6.5, 0.5)}))
    assert verdict.effect("overfits", "none").status == "supported"
    assert verdict.effect("val_rmse", "half").mean == pytest.approx(-1.5)
    assert verdict.effect("val_r2", "half").mean == pytest.approx(0.2)
    assert verdict.effect("gap", "half").mean == pytest.approx(-1.5)
    assert verdict.questions.gap_as_trained
    assert (verdict.recommended, verdict.better_by) == ("half", ("val_rmse", "val_r2"))
    assert {effect.unit for effect in verdict.effects} == {"", "epochs"}


def test_where_higher_is_better_the_best_epoch_is_the_highest():
    def seeds(top):
        return [{"f1": (0.1, top + e, top - 0.1 + e)} for e in NOISE]

    verdict = judge(experiment((F1,), {"none": seeds(0.5), "half": seeds(0.7)}))
    assert [effect.endpoint for effect in verdict.effects] == ["f1"]
    assert (verdict.recommended, verdict.better_by) == ("half", ("f1",))
    assert verdict.summary("half").turning_epoch.mean == 2
    assert verdict.summary("half").best["f1"].mean == pytest.approx(0.7)
    worse = judge(experiment((F1,), {"none": seeds(0.7), "half": seeds(0.5)}))
    assert worse.consequence(worse.effect("f1", "half")) == "worse"
    assert worse.recommended == "none"


def test_a_measure_that_counts_samples_has_a_smallest_step():
    def seeds(value):
        return [{"val_hits": (value,)} for _ in range(3)]

    for counted, sizes, decided in (
        (True, {"validation": 4}, False),
        (True, {}, True),
        (False, {"validation": 4}, True),
    ):
        measure = Measure("hits", "higher", "share", counted)
        made = experiment((measure,), {"none": seeds(0.5), "half": seeds(0.75)}, sizes=sizes)
        assert (judge(made).effect("val_hits", "half").status == "supported") == decided


def test_of_arms_that_cannot_be_told_apart_the_primary_measure_names_one():
    def seeds(rmse, r2, wobble):
        return [{"val_rmse": (rmse + wobble * e,), "val_r2": (r2 - wobble * e,)} for e in NOISE]

    arms = {"none": seeds(2.0, 0.1, 1), "a": seeds(0.99, 0.5, 3), "b": seeds(1.0, 0.51, -3)}
    verdict = judge(experiment((RMSE, R2), arms))
    assert (verdict.recommended, verdict.rivals) == ("a", ("b",))


def test_a_run_that_reported_less_leaves_with_its_partner_for_that_question_only():
    base, half = _regression(8.0, 0.3), _regression(6.5, 0.5)
    del half[1]["val_r2"]
    verdict = judge(experiment((RMSE, R2), {"none": base, "half": half}))
    assert verdict.effect("val_r2", "half").seeds == (0, 2, 3, 4)
    assert verdict.effect("val_rmse", "half").seeds == (0, 1, 2, 3, 4)


def test_epochs_that_did_not_measure_and_runs_that_ended_early_are_no_errors():
    nan = math.nan
    assert lowest((nan, 2.0, nan, 1.0, 3.0)) == 3
    assert rises([(3.0, 1.0, 2.0), (3.0, 0.5), (3.0, 0.5, 0.75)]) == (1.0, 0.0, 0.25)
    runs = [{"fit_rmse": (2.0, nan, 1.0 + e), "val_rmse": (3.0, nan, 2.0 + e)} for e in NOISE]
    runs[0] = {name: curve[:1] for name, curve in runs[0].items()}
    verdict = judge(experiment((RMSE,), {"none": runs, "half": runs}))
    assert verdict.identical == ("half",)
    assert verdict.summary("none").turning_epoch.mean == pytest.approx((1 + 4 * 3) / 5)


def test_arms_alike_in_what_only_one_of_them_reports_are_not_identical():
    same = [{"val_rmse": (1.0,)}] * 2
    assert judge(experiment((RMSE,), {"none": same, "half": same})).identical == ("half",)
    more = [{"val_rmse": (1.0,), "fit_rmse": (1.0,)}] * 2
    assert judge(experiment((RMSE,), {"none": same, "half": more})).identical == ()
