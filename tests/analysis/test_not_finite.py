"""Figures that are not finite, in finished runs: what can be said is said, and nothing raises."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from droplab.analysis import Plan, judge
from droplab.records import ChangedImages, RunKey
from droplab.report import PageSource, build_page, render, verdict_json
from tests.analysis.records import simulate
from tests.analysis.sequences import experiment
from tests.analysis.test_stopping import folded


@pytest.mark.parametrize("figure", ["val_loss", "val_accuracy", "fit_loss", "gap"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("second", [False, True])
def test_the_last_value_of_a_finished_run(figure, value, second):
    record = simulate(np.random.default_rng(0), 4, effect=True)
    record = folded(record) if second else record
    key = RunKey(record.arms[1], record.seeds[2])
    run = record.runs[key]
    spoilt = dataclasses.replace(run, metrics={**run.metrics, figure: (*run.metrics[figure][:-1], value)})
    arms = [{"name": arm, "p": 0.5 * place} for place, arm in enumerate(record.arms)]
    record = dataclasses.replace(record, runs={**record.runs, key: spoilt}, spec={**record.spec, "arms": arms})
    verdict = judge(record)
    for lang in ("en", "ja"):
        assert record.arms[1] in render(verdict, record, lang)
    build_page(PageSource(record, verdict, "2026-01-01T00:00:00", 4, [{}], {}, {}, ChangedImages({}, "unfinished")))


@pytest.mark.parametrize("huge", [math.inf, 1e200])
def test_numbers_that_have_no_mean_or_no_square(huge):
    values = np.array([[0.5, huge, huge, 0.4], [huge, 0.5, -huge, 0.4], [0.3, huge, huge, 0.2]])
    record = experiment(values, Plan((4,), margin=0.1))
    verdict = judge(record)
    assert [answer.says for answer in verdict.primary.answers] == ["undecided"] * 2
    for lang in ("en", "ja"):
        assert "a1" in render(verdict, record, lang)
    json.dumps(verdict_json(verdict, record), allow_nan=False)
    build_page(PageSource(record, verdict, "2026-01-01T00:00:00", 4, [{}], {}, {}, ChangedImages({}, "unfinished")))
    assert judge(replace(record, endpoints={})).recommended == "base"
