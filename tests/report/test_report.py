from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pytest

from droplab.analysis import judge
from droplab.errors import UserError
from droplab.records import RunKey, RunRecord
from droplab.report import LANGUAGES, render, write_effects, write_metrics
from droplab.report.align import width, wrap
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
        assert sorted(re.findall(r"{(\w+)}", text)) == sorted(re.findall(r"{(\w+)}", english[key])), key


def test_unknown_language():
    with pytest.raises(UserError, match="no language 'fr'; droplab speaks en and ja"):
        render(None, None, "fr")


def test_the_verdict_names_arm_and_numbers(made):
    text = render(judge(made), made, "en")
    assert text.splitlines()[2].startswith('Use "b": compared with "a"')
    assert text.count("supported") == 6
    assert "95 % intervals of the mean over seeds on this data set" in text
    assert "test set, which has been opened 0 times" in text


def test_japanese_is_japanese(made):
    text = render(judge(made), made, "ja")
    assert "「b」を使ってください" in text
    assert text.count("支持される") == 6
    assert "supported" not in text


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
