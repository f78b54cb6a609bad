from __future__ import annotations

import tomllib

import pytest

from droplab.errors import SpecError
from droplab.experiment import ExperimentSpec, parse_spec, read_spec
from droplab.experiment.check import check_arms
from droplab.experiment.presets import EXAMPLE, SETS, arm_set, demo


def test_toml_and_python_are_the_same(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('seeds = 4\n[recipe]\nlr = 0.01\n[[arms]]\nname = "x"\np = {drop1 = 0.5}\n', encoding="utf-8")
    assert read_spec(path) == parse_spec(
        {"seeds": 4, "recipe": {"lr": 0.01}, "arms": [{"name": "x", "p": {"drop1": 0.5}}]}
    )


def test_the_example_is_a_spec_and_its_values_are_the_defaults():
    values = tomllib.loads(EXAMPLE.format(name="x.toml"))
    spec, default = parse_spec(values), ExperimentSpec()
    for table in ("recipe", "compute"):
        assert getattr(spec, table) == getattr(default, table)
    assert parse_spec(demo()).baseline_arm == "no dropout"


@pytest.mark.parametrize("name", SETS)
def test_built_in_sets_hold_and_can_be_changed(name):
    spec = parse_spec(arm_set(name))
    check_arms(spec, (1, 28, 28), 10)
    assert (spec.name, spec.baseline_arm) == (name, "no dropout")
    arm_set(name)["arms"].clear()
    assert parse_spec(arm_set(name)) == spec


def test_all_errors_at_once_with_path_and_suggestion():
    values = {
        "seedz": 3,
        "recipe": {"epohcs": 3, "lr": -1, "optimizer": "adamm"},
        "arms": [{"name": "a", "p": 1.5}, {"name": "b", "p": {"drop1": -0.1}}, {"name": "c", "schedule": "liner"}],
    }
    with pytest.raises(SpecError) as caught:
        parse_spec(values)
    text = str(caught.value)
    assert len(caught.value.problems) == 7
    for words in (
        "did you mean 'seeds'",
        "did you mean 'epochs'",
        "recipe.lr",
        "adam, adamw",
        "arms[0].p",
        "arms[1].p",
        "arms[2].schedule",
        "constant, linear, cosine",
        "did you mean 'linear'",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"seeds": 0}, "at least one seed"),
        ({"seeds": [1, 1]}, "unique"),
        ({"arms": [{"name": "a"}, {"name": "a"}]}, "given twice: a"),
        ({"arms": []}, "at least one arm"),
        ({"baseline": "zero"}, "none of the arms"),
        ({"recipe": {"lr": float("nan")}}, "lr"),
        ({"arms": [{"name": "a", "layer": "dropout4d"}]}, "dropout2d"),
    ],
)
def test_bad_values(values, words):
    with pytest.raises(SpecError, match=words):
        parse_spec(values)


def test_broken_and_missing_files(tmp_path):
    with pytest.raises(SpecError, match="nowhere"):
        read_spec(tmp_path / "nowhere.toml")
    (tmp_path / "bad.toml").write_text("seeds = = 3", encoding="utf-8")
    with pytest.raises(SpecError, match="line 1"):
        read_spec(tmp_path / "bad.toml")


def test_seeds_and_compute_do_not_change_the_identity():
    one, two = parse_spec({"seeds": 3}), parse_spec({"seeds": 5, "compute": {"executor": "serial"}})
    assert one.identity() == two.identity() != parse_spec({"recipe": {"lr": 0.01}}).identity()
