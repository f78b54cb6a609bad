"""Set "2" in words: each answer beside the interval that it is read from, in both languages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from droplab.analysis import Plan, judge, written
from droplab.records import RunKey
from droplab.report import render, wording
from tests.analysis.records import record
from tests.analysis.sequences import PLAN, experiment, failed, until_decided

NOISE = np.array([0.0, 0.004, -0.004, 0.002, -0.002])
BACK = NOISE[::-1]
VALUES = [NOISE, BACK - 0.1, BACK + 0.1, BACK, BACK + 0.02, 20 * BACK + 0.01]


def said(made, lang="en"):
    return " ".join(render(judge(made), made, lang).split())


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            ("better", "worse", "practically equal: the difference", "equal: higher, by less than 0.04", "seeds"),
        ),
        ("ja", ("改善", "悪化", "実質的に同等（差は", "実質的に同等（高いが、差は 0.04 未満", "シードで決まる見込み")),
    ],
)
def test_four_answers_are_said_beside_their_intervals(lang, words):
    verdict = judge(made := experiment(VALUES, Plan((5,), margin=0.04)))
    first, *_ = wording(verdict, made, lang).findings
    rows = first.groups[0].rows
    assert [row.name for row in rows] == list(made.arms[1:])
    assert all(word in row.status for word, row in zip(words, rows, strict=True))
    for row in rows:
        low, high = map(float, row.interval.strip("[]").split(","))
        found = verdict.effects[row.effect]
        assert (low, high) == pytest.approx((found.low, found.high), rel=1e-2)
        assert row.adjusted == ""


def test_failures_are_the_first_line():
    text = wording(judge(made := failed(experiment(VALUES), RunKey("a1", 4))), made).advice
    assert text.startswith('1 of 5 runs of "a1" failed (exact 95 % interval of the share: 1% to 72%). ')


def test_what_can_be_said_without_a_better_arm():
    assert "no other arm is better by 0.5 of loss or more" in said(experiment([NOISE, BACK], Plan((5,), margin=0.5)))
    assert "the look at 8 seeds is not finished" in said(experiment([NOISE, BACK], Plan((8,))))
    assert "gave the same numbers" in said(experiment([NOISE, NOISE], Plan((5,))))
    assert "at least one is shown to be worse" in said(experiment([NOISE, BACK + 1], Plan((5,))))


def test_seeds_until_decided_tell_what_is_to_come_and_what_was_saved():
    flat = np.tile([1.0, -1.0, 1.0, -1.0], 5)
    drawn = np.vstack([np.zeros(20), 0.01 * flat - 1, flat])
    whole = experiment(drawn)
    early = replace(whole, runs={key: run for key, run in whole.runs.items() if key.seed < 3})
    assert "4 runs are still to be trained for the next look" in said(early)  # two seeds of the baseline and of a2
    done, last = until_decided(whole, PLAN)
    text = said(done)
    assert f"{last.saved} runs of the plan need not be trained" in text
    assert "probably not by seed 20: it gets no more seeds" in text
    assert "looks planned at 3, 5, 8, 12, 16, 20 seeds" in text
    assert "left out with" not in text


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_what_was_measured_where_it_was_chosen_is_called_optimistic(lang):
    def runs(low):
        return [{"val_loss": [1.0, low + e, 0.9 + e], "fit_loss": [1.0, 0.5, 0.1]} for e in NOISE]

    made = replace(record({"none": runs(0.6), "half": runs(0.5)}), endpoints=written(Plan((3, 5))))
    text = said(made, lang)
    assert ("optimistic" if lang == "en" else "楽観的") in text
    assert ("As deployed" if lang == "en" else "早期終了時の値") not in text
    folds = {"val_loss": tuple(((v * 2, 2.0), (v * 3, 3.0)) for v in (1.0, 0.5, 0.9))}
    made = replace(made, runs={key: replace(run, folds=folds) for key, run in made.runs.items()})
    assert ("As deployed" if lang == "en" else "早期終了時の値") in said(made, lang)
    heads, *rows = wording(judge(made), made, lang).arms
    assert heads[-2:] == (("loss as deployed", "s/run") if lang == "en" else ("早期終了時の損失", "秒/ラン"))
    assert [row[-2:] for row in rows] == [("0.500 ± 0.000", "0")] * 2
