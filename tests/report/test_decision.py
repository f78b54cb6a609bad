"""Titles, conditions, the command and the spec as TOML."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from droplab.analysis import Plan, judge
from droplab.records import ELSEWHERE, Notice, RunKey
from droplab.report import wording
from droplab.report.command import command, toml
from droplab.report.decision import decision, failures
from droplab.report.dose import doses
from droplab.report.method import method
from droplab.spec import parse_spec
from droplab.spec.presets import SETS, arm_set
from tests.analysis.records import simulate
from tests.analysis.sequences import experiment, failed

NOISE = np.array([0.0, 0.004, -0.004, 0.002, -0.002])


def titled(made, lang="en"):
    return decision(judge(made), made, lang)


def test_every_end_has_its_title():
    far, near = NOISE - 0.1, NOISE[::-1]
    made = experiment([NOISE, far], Plan((5,)))
    assert titled(made).title == 'Use "a1"'
    assert titled(made).settled
    assert titled(experiment([NOISE, near + 0.1], Plan((5,)))).title == 'Stay with "base"'
    assert titled(experiment([NOISE, near], Plan((5,), margin=0.5))).title == "No difference that matters"
    assert titled(experiment([NOISE, NOISE], Plan((5,)))).title.startswith("Nothing to compare")
    assert titled(experiment([NOISE, near], Plan((8,)))).title == "Not decided yet: 8 seeds are planned"
    assert titled(experiment([NOISE, near + 0.002], Plan((5,)))).title.startswith("Not decided yet: about ")
    assert titled(experiment([NOISE, near + 1e-6], Plan((5,)))).title.startswith("No detectable difference")
    assert titled(experiment([NOISE], Plan((5,)))).title == "One arm: nothing to compare"
    lost = failed(made, *made.runs)
    assert titled(lost).title == "All 10 runs failed"
    assert titled(replace(made, runs={})).title.startswith("Not finished")
    assert not titled(lost).settled


def test_where_no_number_of_seeds_would_decide_that_is_the_title():
    made = experiment([NOISE, NOISE[::-1] + 0.002], Plan((5,)), spec={"arms": [], "resample": "2-fold"})
    assert titled(made).title == "Not decided, and no number of seeds would: splits overlap too much"
    assert "one of 2 folds" in method(judge(made), made, "en")[1]
    apart = replace(made, notices=(Notice("weights_differ", detail={"seed": 0}),))
    assert "same initial weights" in method(judge(made), made, "en")[0]
    assert "do not start alike" in method(judge(apart), apart, "en")[0]


def test_a_condition_has_the_interval_and_what_failed():
    made = failed(experiment([NOISE, NOISE[::-1] - 0.1, NOISE], Plan((5,))), RunKey("a2", 4))
    sentence = titled(made).sentence
    assert sentence.startswith('1 of 5 runs of "a2" failed')
    assert "As reported: its loss is lower" in sentence
    assert "(5 seeds)" in sentence
    first = simulate(np.random.default_rng(1), 5, effect=True)
    assert titled(first).sentence.startswith("If you train to the last epoch")
    assert "最終エポックまで学習する場合" in titled(first, "ja").sentence


@pytest.mark.parametrize("away", [-0.1, 0.0, 0.1])
def test_japanese_sentences_stand_without_a_space_between_them(away):
    made = experiment([NOISE, NOISE[::-1] + away, NOISE], Plan((5,)))
    made = failed(made, RunKey("base", 0), RunKey("a1", 4), RunKey("a2", 4))
    for sentence in (titled(made, "ja").sentence, wording(judge(made), made, "ja").advice):
        assert sentence.count("件が失敗しました") == 3
        assert re.findall(r"[。！？] +", sentence) == []
    assert ". 1 of 5" in titled(made).sentence


def test_failed_runs_of_one_reason_stand_together():
    made = experiment([NOISE, NOISE], Plan((5,)))
    runs = {
        key: replace(run, state="failed", reason="NaN in fc1" if key.seed else "no memory")
        for key, run in made.runs.items()
    }
    made = replace(made, runs=runs, spec={**made.spec, "recipe": {"lr": 0.5}})
    first, second = failures(made, "en")
    assert (len(first.runs), len(second.runs)) == (8, 2)
    assert "0.5" in first.hint
    assert second.hint == ""


@pytest.mark.parametrize("name", SETS)
def test_a_spec_as_toml_is_the_spec(name):
    spec = parse_spec(arm_set(name)).canonical()
    assert parse_spec(tomllib.loads(toml(spec))).canonical() == spec


def test_hostile_texts_survive_toml():
    spec = {"name": 'a"b\\c\n\x7f\u2028', "arms": [{"name": "]", "p": {'x"y': 0.5}, "none": None}]}
    read = tomllib.loads(toml(spec))
    assert read["name"] == spec["name"]
    assert read["arms"] == [{"name": "]", "p": {'x"y': 0.5}}]


def test_the_command_names_a_set_where_it_is_one():
    made = simulate(np.random.default_rng(1), 5, effect=True)
    rates = parse_spec({**arm_set("rates"), "seeds": 5}).canonical()
    assert command(replace(made, spec=rates)) == "droplab compare --set rates"
    seven = replace(made, spec=parse_spec({**arm_set("rates"), "seeds": 7}).canonical(), seeds=tuple(range(7)))
    assert command(seven) == "droplab compare --set rates --seeds 7"
    other = {**rates, "recipe": {**rates["recipe"], "lr": 0.5}}
    assert command(replace(made, spec=other, name="my run; rm -rf /")) == "droplab compare my-run-rm--rf.toml"
    assert command(replace(made, spec={"loop": "mine:train"}, name="own")) == "droplab compare own.toml"
    assert command(replace(made, spec={"loop": "<function train>"})) == ""
    assert command(replace(made, spec={ELSEWHERE: True})) == ""


def test_doses_are_arms_that_differ_in_p_alone():
    made = simulate(np.random.default_rng(1), 2, effect=True)

    def found(*arms):
        names = tuple(arm["name"] for arm in arms)
        return doses(replace(made, arms=names, baseline=names[0], spec={"arms": list(arms)}))

    none, half = {"name": "none", "p": 0.0}, {"name": "half", "p": 0.5}
    most = {"name": "most", "p": 0.8}
    assert found(none, half, most) == {"none": 0.0, "half": 0.5, "most": 0.8}
    assert found(none, half) is None
    assert found(none, half, {**most, "kind": "gaussian_dropout"}) is None
    assert found(none, half, {**most, "p": {"fc1": 0.8}}) is None
    assert found(none, half, {**most, "p": 0.5}) is None


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_statistics_are_five_sentences(lang):
    for made in (simulate(np.random.default_rng(1), 3, effect=True), experiment([NOISE, NOISE + 1], Plan((5,)))):
        said = method(judge(made), made, lang)
        assert len(said) == 5
        assert not any("{" in text for text in said)
