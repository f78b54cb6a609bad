from __future__ import annotations

import datetime as dt
import functools
import json
import tomllib

import numpy as np
import pytest

from droplab.errors import SpecError, UserError
from droplab.execution import run_experiment
from droplab.execution.check import check_arms
from droplab.execution.fitting import fit_set
from droplab.spec import ExperimentSpec, parse_spec, read_spec
from droplab.spec.presets import SETS, arm_set, demo, example
from droplab.surgery import apply_rates, rates
from tests.spec import own_models


def test_toml_and_python_are_the_same(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('seeds = 4\n[recipe]\nlr = 0.01\n[[arms]]\nname = "x"\np = {drop1 = 0.5}\n', encoding="utf-8")
    assert read_spec(path) == parse_spec(
        {"seeds": 4, "recipe": {"lr": 0.01}, "arms": [{"name": "x", "p": {"drop1": 0.5}}]}
    )


def test_the_example_is_a_spec_and_its_values_are_the_defaults():
    values = tomllib.loads(example("x.toml"))
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


@pytest.mark.parametrize("site", ["rate", "sites", "float", "int", "function-x", "drop1"])
def test_a_site_keeps_its_name_whatever_it_is(site):
    with pytest.raises(SpecError) as caught:
        parse_spec({"arms": [{"name": "a", "p": {site: 2}}]})
    assert caught.value.problems == (f"arms[0].p.{site}: got 2; a drop rate p is a probability within [0, 1]",)


@pytest.mark.parametrize("key", ["schedule", "kind"])
@pytest.mark.parametrize("value", [object(), 3, ["linear"]])
def test_what_can_be_no_name_and_no_table_is_reported_where_it_stands(key, value):
    with pytest.raises(SpecError) as caught:
        parse_spec({"arms": [{"name": "a", "p": 0.5, key: value}]})
    (line,) = caught.value.problems
    assert line.startswith(f"arms[0].{key}: got {value!r}; a {key}'s name, or a table")


def test_broken_and_missing_files(tmp_path):
    with pytest.raises(SpecError, match="nowhere"):
        read_spec(tmp_path / "nowhere.toml")
    (tmp_path / "bad.toml").write_text("seeds = = 3", encoding="utf-8")
    with pytest.raises(SpecError, match="line 1"):
        read_spec(tmp_path / "bad.toml")


def test_seeds_and_compute_do_not_change_the_identity():
    one, two = parse_spec({"seeds": 3}), parse_spec({"seeds": 5, "compute": {"executor": "serial"}})
    assert one.identity() == two.identity() != parse_spec({"recipe": {"lr": 0.01}}).identity()


@pytest.mark.parametrize("wrong", [True, False, "0.25"])
@pytest.mark.parametrize(
    "spec",
    [
        lambda v: {"arms": [{"name": "a", "p": v}]},
        lambda v: {"arms": [{"name": "a", "p": {"drop1": v}}]},
        lambda v: {"arms": [{"name": "a", "p": 0.5, "schedule": {"name": "linear", "start": v}}]},
        lambda v: {"arms": [{"name": "a", "p": 0.5, "schedule": {"drop*": {"name": "early", "until": v}}}]},
        lambda v: {"arms": [{"name": "a", "p": 0.5, "layer": {"name": "drop_block2d", "block_size": v}}]},
        lambda v: {"recipe": {"lr": v}},
        lambda v: {"recipe": {"max_norm": v}},
        lambda v: {"recipe": {"epochs": v}},
        lambda v: {"data": {"validation_size": v}},
        lambda v: {"data": {"train_size": v}},
        lambda v: {"seeds": [0, v]},
        lambda v: {"compute": {"workers": v}},
    ],
)
def test_switches_and_texts_are_no_numbers(spec, wrong):
    with pytest.raises(SpecError, match=r"(?i)true|false|0\.25"):
        parse_spec(spec(wrong))
    assert ExperimentSpec(recipe={"lr": 1, "watch_every": 0}, arms=[{"name": "a", "p": 1}]).arms[0].p == 1.0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "options: x: got nan; a ledger keeps finite numbers"),
        (float("-inf"), "got -inf"),
        ([1, {"y": float("nan")}], r"x\[1\].y: got nan"),
        (dt.date(1979, 5, 27), 'put it in quotes: "1979-05-27"'),
        (dt.datetime(1979, 5, 27, tzinfo=dt.UTC), "date or time"),
        (np.zeros(3), r"an? ndarray; options are what JSON has.*array.tolist\(\)"),
        (int, "a type; options are what JSON has"),
        ({1: 2}, "keys are texts"),
        ({3, 4}, "a set;"),
        ("\ud800", "half a character"),
        ({"\udcff": 1}, "half a character"),
        (10**400, "bits; 1,024 at most"),
        (functools.reduce(lambda inner, _: [inner], range(60), 1), "nested more than 40 deep"),
    ],
)
@pytest.mark.parametrize("table", ["model", "data"])
def test_options_are_what_a_ledger_can_keep(value, words, table):
    with pytest.raises(SpecError, match=words):
        parse_spec({table: {"name": "a:b", "options": {"x": value}}})


def test_options_come_back_as_they_were_given():
    options = {"a": np.int64(3), "b": np.float32(0.5), "c": (1, 2), "d": np.bool_(True), "e": None, "f": {"g": "ü"}}
    given = ExperimentSpec(model={"name": "a:b", "options": options}, seeds=np.int64(2))
    again = ExperimentSpec.model_validate(json.loads(json.dumps(given.canonical())))
    assert again == given
    assert again.model.options == {"a": 3, "b": 0.5, "c": [1, 2], "d": True, "e": None, "f": {"g": "ü"}}
    assert type(given.model.options["a"]) is int
    assert again.identity() == given.identity()


def test_files_that_are_odd(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfseeds = 4\n")
    assert read_spec(path).seeds == (0, 1, 2, 3)
    for text, words in ((f"seeds = {'9' * 5000}", "digits"), (f"x = {'[' * 2000}", "nested too deep")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SpecError, match=words):
            read_spec(path)


def test_messages_stay_short():
    long = "x" * 10_000
    values = {
        long: 1,
        "name": long,
        "seeds": [long],
        "recipe": {"optimizer": long, long: long, "lr": list(range(10_000))},
        "arms": [{"name": "a", "p": {long: 2.0}, "layer": long, "schedule": {"name": long}}],
    }
    with pytest.raises(SpecError) as caught:
        parse_spec(values)
    assert max(len(line) for line in str(caught.value).splitlines()) < 1_500
    with pytest.raises(SpecError) as caught:
        parse_spec({"arms": [{"name": 3, "p": 2}] * 500})
    assert len(str(caught.value)) < 4_000
    assert len(caught.value.problems) == 1_000


def test_keys_that_came_later_leave_old_experiments_as_they_are():
    plain = ExperimentSpec().canonical()
    assert not {"drop_last", "penalty_warm_up"} & plain["recipe"].keys()
    assert "inputs" not in plain["data"]
    for changed in (ExperimentSpec(recipe={"drop_last": True}), ExperimentSpec(data={"inputs": "as-is"})):
        assert changed.identity() != ExperimentSpec().identity()
        assert ExperimentSpec.model_validate(changed.canonical()) == changed


def test_a_model_of_ones_own_is_compared_as_it_is_written():
    names = [arm.name for arm in parse_spec({"model": {"name": "tests.spec.own_models:conv"}}).arms]
    assert names == ["no dropout", "as written", "dropout 0.25"]
    assert [arm.name for arm in parse_spec({}).arms] == ["no dropout", "dropout 0.25"]
    given = parse_spec({"model": {"name": "a:b"}, "arms": [{"name": "x"}]})
    assert [arm.name for arm in given.arms] == ["x"]
    model = own_models.conv((1, 28, 28), 10)
    before = rates(model)
    apply_rates(model, ExperimentSpec(model={"name": "a:b"}).arm("as written").p)
    assert rates(model) == before == {"drop": 0.1, "head.1": 0.5}
    assert 'name = "as written"' in example("x")
    commented = example("x").replace("# [[arms]]\n# name", "[[arms]]\nname").replace("# p = {}\n", "p = {}\n")
    assert parse_spec(tomllib.loads(commented)).arm("as written").p == {}


SET_ARMS = {
    ("conv", "tutorial"): ["no dropout", "dropout 0.25", "more at head.1", "adaptive"],
    ("bare", "tutorial"): ["no dropout", "dropout 0.25", "more at out:in", "adaptive"],
    ("bare", "rates"): ["no dropout", *(f"dropout {p}" for p in (0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 0.95))],
    ("one", "tutorial"): ["no dropout", "dropout 0.25", "adaptive"],
    ("table", "variants"): [
        *("no dropout", "dropout 0.5", "gaussian 0.5", "units 0.5", "drop-connect 0.5", "standout 0.5", "concrete"),
        *("variational", "sparse variational", "input noise 0.5"),
    ],
}


@pytest.mark.parametrize(("model", "name"), SET_ARMS)
def test_sets_on_models_of_ones_own(model, name):
    values = {
        "data": {"name": f"tests.spec.own_models:{'rows' if model == 'table' else 'images'}"},
        "model": {"name": f"tests.spec.own_models:{model}"},
        "arms": arm_set(name)["arms"],
    }
    fitted, left = fit_set(values)
    assert [arm["name"] for arm in fitted["arms"]] == SET_ARMS[model, name]
    assert len(left) == len(values["arms"]) - len(fitted["arms"])
    check_arms(parse_spec(fitted), (12,) if model == "table" else (1, 28, 28), 3)


@pytest.mark.parametrize("name", SETS)
def test_sets_are_for_every_model(name):
    for model in ("conv", "bare"):
        values = {
            "data": {"name": "tests.spec.own_models:images"},
            "model": {"name": f"tests.spec.own_models:{model}"},
            "arms": arm_set(name)["arms"],
        }
        fitted, left = fit_set(values)
        assert len(fitted["arms"]) >= len(values["arms"]) - 1, left
    tutorial = arm_set(name)
    assert fit_set(tutorial) == (tutorial, [])


def test_a_set_warns_of_nothing_and_names_no_number_of_a_list_that_nobody_wrote():
    """What drops besides is the check's to name."""
    values = {
        "data": {"name": "tests.spec.own_models:images"},
        "arms": [{"name": "none", "p": 0.0}, {"name": "units", "p": 0.5, "layer": "unit_dropout_linear"}],
    }
    fitted, left = fit_set({**values, "model": {"name": "tests.execution.check.models:Residual"}})
    assert (len(fitted["arms"]), left) == (2, [])
    values["arms"].append({"name": "half", "p": 0.5})
    _, (line,) = fit_set({**values, "model": {"name": "tests.spec.own_models:dropped_at_the_end"}})
    assert line.startswith("left out of the set: 'units' (one p for the kind 'unit_dropout_linear'")


def test_a_model_with_no_place_for_dropout():
    values = {
        "data": {"name": "tests.spec.own_models:rows"},
        "model": {"name": "tests.spec.own_models:linear"},
        "arms": arm_set("rates")["arms"],
    }
    with pytest.raises(UserError, match=r"no arm of this set is for the model .*Name sites in a spec"):
        fit_set(values)


def test_flip_crop_is_for_images(tmp_path):
    spec = {
        "data": {"name": "tests.spec.own_models:rows"},
        "model": {"name": "tests.spec.own_models:table"},
        "recipe": {"augmentation": "flip-crop"},
    }
    with pytest.raises(SpecError, match=r"recipe.augmentation: flip-crop is for images"):
        run_experiment(parse_spec(spec), out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_word_of_before_is_read_and_means_the_same():
    before, now = ({"arms": [{"name": "a", "p": 0.5, word: "drop_path"}]} for word in ("layer", "kind"))
    assert parse_spec(before) == parse_spec(now)
    assert parse_spec(before).identity() == parse_spec(now).identity()
    with pytest.raises(SpecError, match=r"arms\[0\].*twice, as `kind` and as `layer`"):
        parse_spec({"arms": [{"name": "a", "p": 0.5, "layer": "drop_path", "kind": "drop_path"}]})
