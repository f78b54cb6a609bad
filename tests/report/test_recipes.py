"""What arms change of the recipe, in words, as a command's file, and on the page."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

from droplab.analysis import judge
from droplab.report import wording
from droplab.report.command import toml
from droplab.report.dose import doses
from droplab.report.notices import notice_texts
from droplab.spec import parse_spec
from tests.analysis.records import simulate

BASE = {"data": {"train_size": 500}, "recipe": {"max_norm": 3.0}}
CHANGES = {
    "free": {"max_norm": "none", "train_size": "all"},
    "tuned": {"optimizer": {"name": "adam", "betas": [0.8, 0.9]}, "drop_last": True, "p": 0.5},
}


@pytest.fixture
def spec():
    return parse_spec({**BASE, "arms": [{"name": "a"}, *({"name": name, **arm} for name, arm in CHANGES.items())]})


def of(spec):
    """A record of that spec, as a ledger gives it."""
    made = simulate(np.random.default_rng(0), 2, effect=False)
    return replace(made, spec=spec.canonical(), arms=tuple(arm.name for arm in spec.arms), notices=())


def test_every_change_is_said_with_what_it_is_otherwise(spec):
    free, tuned = notice_texts(of(spec))
    assert (
        free == '"free" trains by another recipe: max_norm none in the place of 3, train_size all in the place of 500.'
    )
    assert tuned.startswith(
        '"tuned" trains by another recipe: drop_last true in the place of false, optimizer adam betas'
    )
    assert tuned.endswith(" [0.8, 0.9] in the place of adam.")
    assert notice_texts(of(spec), "ja")[0] == (
        "「free」は学習設定を変えています：max_norm = なし（共通の設定は 3）、train_size = すべて（共通の設定は 500）。"
    )
    assert notice_texts(replace(of(spec), arms=("a", "tuned")))[0].startswith('"tuned"')


def test_what_an_arm_takes_away_survives_a_file(spec):
    text = toml(spec.canonical())
    assert 'recipe = {max_norm = "none", train_size = "all"}' in text
    assert parse_spec(tomllib.loads(text)) == spec


def test_rates_are_no_doses_where_recipes_differ():
    def found(recipe):
        arms = [{"name": str(p), "p": p, **(recipe if p else {})} for p in (0.0, 0.1, 0.2)]
        return doses(of(parse_spec({"arms": arms})))

    assert found({}) == {"0.0": 0.0, "0.1": 0.1, "0.2": 0.2}
    assert found({"weight_decay": 0.1}) is None


def test_an_arm_that_changes_the_recipe_is_not_told_to_drop_less():
    made = simulate(np.random.default_rng(1), 5, effect=True)
    arms = [{"name": "a"}, {"name": "b", "recipe": {"weight_decay": 1.0}}]
    found = judge(made)
    under = replace(found, underfits=("b",))
    plain = wording(under, made, "en").underfits
    rival = wording(under, replace(made, spec={**made.spec, "arms": arms}), "en").underfits
    assert plain[0].endswith("Try a smaller p.")
    assert rival[0].endswith("Regularise it less, or train all arms longer.")
