"""What a pilot promises, by simulation and against scipy."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from droplab.analysis import Plan, chi, judge, pilot
from droplab.analysis.pilot import expected
from droplab.cli import main
from droplab.errors import UserError
from droplab.records import LOOKS
from droplab.report import render_pilot
from tests.analysis.sequences import PLAN, experiment, until_decided
from tests.foreign.files import ledger


@pytest.mark.parametrize("df", [1, 2, 4, 19, 200])
@pytest.mark.parametrize("probability", [0.001, 0.025, 0.5, 0.975, 0.9999])
def test_chi_square_equals_scipys(df, probability):
    assert chi.quantile(probability, df) == pytest.approx(stats.chi2.ppf(probability, df), rel=1e-9)


def made(values, **more):
    return experiment([values, np.zeros(len(values))], Plan((len(values),)), **more)


def test_the_interval_of_the_noise_covers_it():
    rng = np.random.default_rng(0)
    found = [pilot(made(rng.standard_normal(3)), plan=Plan((3,))) for _ in range(120)]
    assert np.mean([one.sd_low <= 1 <= one.sd_high for one in found]) == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize("arms", [1, 3])
def test_a_design_finds_its_effect_in_four_of_five_experiments(arms):
    rng = np.random.default_rng(arms)
    design = next(one for one in pilot(made([0.0, math.sqrt(2)]), arms).designs if one.seeds == 8)  # deviation 1
    assert design.runs == 8 * (arms + 1)
    shifts = np.array([0.0, -design.effect, *([0.0] * (arms - 1))])[:, None]
    experiments = (experiment(rng.standard_normal((arms + 1, 8)) + shifts, Plan((8,))) for _ in range(400))
    assert np.mean([judge(one).primary.of("a1").says == "better" for one in experiments]) == pytest.approx(
        0.8, abs=0.06
    )


def test_the_seeds_for_a_margin_call_equals_equal():
    rng = np.random.default_rng(3)
    found = pilot(made([0.0, math.sqrt(2)]), plan=Plan((20,), margin=1.2))
    assert 10 < found.for_margin < 40
    plan = Plan((found.for_margin,), margin=1.2)
    experiments = (experiment(rng.standard_normal((2, found.for_margin)), plan) for _ in range(300))
    assert np.mean([judge(one).primary.of("a1").says == "equal" for one in experiments]) == pytest.approx(0.8, abs=0.07)


def test_expected_seeds_are_those_that_are_used():
    rng = np.random.default_rng(4)
    told = expected(PLAN, 1.5, 0.0, 1.0)
    used = []
    for _ in range(300):
        drawn = np.vstack([np.zeros(20), rng.standard_normal(20) - 1.5])
        used.append(len(until_decided(experiment(drawn), PLAN)[0].runs) / 2)
    assert np.mean(used) == pytest.approx(told.seeds, abs=3 * np.std(used) / math.sqrt(len(used)))
    assert told.decided > 0.99


def test_what_seeds_cannot_help_comes_from_the_folds():
    rng = np.random.default_rng(5)
    record = made(rng.standard_normal(4) * 0.01 + 1)
    assert math.isnan(pilot(record).floor)
    per_fold = [(float(v) * 100, 100.0) for v in 1 + 0.1 * rng.standard_normal(5)]
    apart = {  # seeds differ on all folds alike
        key: {"val_loss": (tuple((total + seed, count) for total, count in per_fold),)}
        for seed, key in enumerate(record.runs)
    }
    record = replace(record, runs={key: replace(run, folds=apart[key]) for key, run in record.runs.items()})
    means = [total / count for total, count in per_fold]
    wanted = stats.t.ppf(0.975, 4) * np.std(means, ddof=1) / math.sqrt(5)
    assert pilot(record).floor == pytest.approx(wanted, rel=1e-6)


def test_words_and_mistakes(tmp_path, capsys):
    record = made([0.5, 0.52, 0.49])
    for lang, words in (("en", "not the samples more"), ("ja", "予備実験 3 ラン")):
        text = render_pilot(pilot(record, 2, Plan(LOOKS, margin=0.01)), record.name, lang)
        assert (words in text) == (lang == "ja")
    with pytest.raises(UserError, match="two finished runs of the baseline 'base'"):
        pilot(replace(record, seeds=record.seeds[:1]))
    with pytest.raises(UserError, match="one arm with the baseline at least; got 0"):
        pilot(record, 0)
    ledger(tmp_path).close()
    main(["plan", str(tmp_path), "--arms", "3", "--margin", "0.02"])
    assert "a pilot of 4 runs of the baseline, for an experiment of 3 arms" in capsys.readouterr().out


def test_runs_that_do_not_differ_are_no_pilot_unless_samples_are_counted():
    alike = made([0.5, 0.5, 0.5])
    with pytest.raises(UserError, match=r"'base' gave 0\.5: a pilot is of runs that differ by their seeds"):
        pilot(alike)
    counted = replace(alike, measures=(replace(alike.measures[0], counted=True),), sizes={"validation": 50})
    assert pilot(counted).sd == 0.02
