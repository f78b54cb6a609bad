from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from statistics import fmean, stdev

import numpy as np
import pytest

from droplab.align import width, wrap
from droplab.analysis import judge
from droplab.errors import UserError
from droplab.records import RunKey, RunRecord
from droplab.report import LANGUAGES, render, wording, write_effects, write_metrics
from droplab.report.locale import texts
from tests.analysis.records import simulate


@pytest.fixture(scope="module")
def made():
    return simulate(np.random.default_rng(1), 5, effect=True)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_languages_have_the_same_keys_and_placeholders(lang):
    english, other = texts("en"), texts(lang)
    assert other.keys() == english.keys()
    for key, text in other.items():
        assert sorted(re.findall(r"{(\w+)", text)) == sorted(re.findall(r"{(\w+)", english[key])), key


def test_unknown_language():
    with pytest.raises(UserError, match="no language 'fr'; droplab speaks en and ja"):
        render(None, None, "fr")


def test_the_verdict_names_arm_and_numbers(made):
    text = render(judge(made), made, "en")
    assert text.splitlines()[2].startswith('Use "b": compared with "a"')
    statuses = [
        line.rsplit("]", 1)[1].removeprefix(" pp").strip() for line in text.splitlines() if "adjusted [" in line
    ]
    assert statuses == ["yes, it overfits", "cost", "cost", "better", "better", "better"]
    assert "supported" not in text
    assert "95 % intervals of the mean over seeds on this data set" in text
    assert "test set, which has been opened 0 times" in text


def test_japanese_is_japanese(made):
    text = render(judge(made), made, "ja")
    assert "「b」を使ってください" in text
    statuses = [line.split()[-1] for line in text.splitlines() if "補正後 [" in line]
    assert statuses == ["過学習する", "代償", "代償", "改善", "改善", "改善"]


def test_early_stopping_stands_beside_the_headline(made):
    said = wording(judge(made), made, "en")
    lowest = [min(run.metrics["val_loss"]) for run in made.complete("b")]
    assert f'"b" loss {fmean(lowest):.3f} ± {stdev(lowest):.3f}, accuracy' in said.beside[-1]
    assert "not tested" in said.beside[-1]
    assert 'of "b" is lower than that of "a"' in said.beside[-1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_identical_arms_are_said_to_be(made, lang):
    runs = {RunKey(arm, s): replace(made.runs[RunKey("a", s)], key=RunKey(arm, s)) for arm in "ab" for s in range(5)}
    same = replace(made, runs=runs)
    text = render(judge(same), same, lang)
    assert texts(lang)["advice.identical"][:12] in text
    assert "200" not in text
    rows = [
        row
        for finding in wording(judge(same), same, lang).findings[1:]
        for group in finding.groups
        for row in group.rows
    ]
    assert {row.status for row in rows} == {texts(lang)["status.identical"]}
    assert {row.adjusted for row in rows} == {""}


@pytest.mark.parametrize("worse", [False, True])
def test_no_advice_to_stay_without_train_longer_where_runs_still_improve(made, worse):
    """An arm that is worse at the last epoch, and still falling, may be the better one later."""

    def falling(seed, arm):
        end = (0.01 * seed if arm == "a" else 0.5 + 0.011 * seed) if worse else 0.3 * (seed % 2) * (arm == "b")
        curve = tuple(end + 1 - 0.05 * epoch for epoch in range(15))
        return {**made.runs[RunKey(arm, seed)].metrics, "val_loss": curve, "val_accuracy": (0.7,) * 15}

    runs = {key: replace(run, metrics=falling(key.seed, key.arm)) for key, run in made.runs.items()}
    young = replace(made, runs=runs)
    verdict = judge(young)
    assert verdict.recommended == "a"
    assert (verdict.effect("val_loss", "b").status == "contradicted") == worse
    said = wording(verdict, young, "en")
    assert said.advice.startswith("Train longer")
    assert "Stay" not in said.advice
    assert any('most runs of "a", "b"' in line for line in said.beside)
    assert any("in the last tenth of the 15 epochs" in line for line in said.beside)
    short = replace(young, epochs=2, runs={key: _first(2, run) for key, run in runs.items()})
    assert any("in the last of the 2 epochs" in line for line in wording(judge(short), short, "en").beside)
    turned = replace(young, runs={key: replace(run, metrics=_turned(run.metrics)) for key, run in runs.items()})
    assert wording(judge(turned), turned, "en").advice.startswith("Stay" if worse else "Not clear yet")


def _first(epochs, run):
    return replace(run, metrics={name: series[:epochs] for name, series in run.metrics.items()})


def _turned(metrics):
    return {**metrics, "val_loss": (*metrics["val_loss"][:5], metrics["val_loss"][-1] - 9, *metrics["val_loss"][6:])}


def test_rows_of_a_table_are_no_images(made):
    pictures = replace(made, shape=(3, 32, 32))
    assert "validation images" in render(judge(pictures), pictures, "en")
    assert "検証画像 5,000 枚" in render(judge(pictures), pictures, "ja")
    for shape in ((), (20,), (2, 8, 8), (8, 1)):
        table = replace(made, shape=shape)
        assert "images" not in render(judge(table), table, "en")
        assert "画像" not in render(judge(table), table, "ja")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_state_has_words(made, lang):
    key = RunKey("b", 0)
    failed = RunRecord(key, "failed", 0, "NaN began in fc1")
    unfinished = RunRecord(RunKey("b", 1), "running", 0)
    states = replace(made, runs={**made.runs, key: failed, RunKey("b", 1): unfinished}, looks=2, test_openings=3)
    text = render(judge(states), states, lang)
    assert "NaN began in fc1" in text
    empty = replace(made, runs={})
    assert texts(lang)["no_value"] in render(judge(empty), empty, lang)
    alone = replace(made, arms=("a",), seeds=(0,))
    text = render(judge(alone), alone, lang)
    assert texts(lang)["advice.alone"].format(baseline="a") in text.replace("\n", "")
    assert texts(lang)["note.one_seed"][:20] in text


def test_wrapping_counts_wide_characters():
    lines = wrap("損失" * 40 + "。", 20)
    assert max(map(width, lines)) <= 22
    assert "".join(lines) == "損失" * 40 + "。"


def test_csv_is_exact(made):
    stream = io.StringIO()
    write_metrics(made, stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert len(rows) == 2 * 5 * 15 * 7
    row = next(r for r in rows if (r["arm"], r["seed"], r["epoch"], r["metric"]) == ("b", "3", "2", "val_loss"))
    assert float(row["value"]) == made.runs[RunKey("b", 3)].metrics["val_loss"][1]
    stream = io.StringIO()
    write_effects(judge(made), stream)
    effects = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert effects[0]["endpoint"] == "overfits"
    assert len(effects) == 6
