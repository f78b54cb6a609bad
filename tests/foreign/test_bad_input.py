"""Each mistake has one message that says what is there and what is wanted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import droplab
from droplab.cli import main
from droplab.errors import DataError, UserError
from droplab.foreign.measures import wanted_measures
from droplab.foreign.runs import path_fields

TABLE = {"model": list("aaabbb"), "seed": [0, 1, 2] * 2, "loss": [0.5, 0.6, 0.7, 0.31, 0.41, 0.52]}


def judged(**more):
    wanted = {"arm": "model", "measure": "loss"} | more
    return droplab.judge(TABLE | wanted.pop("columns", {}), **wanted)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"arm": "modle"}, r"no column 'modle'; it has model, seed, loss; did you mean 'model'\?. --arm names it"),
        ({"arm": ""}, "no column 'arm'"),
        ({"seed": "sed"}, r"no column 'sed'.*did you mean 'seed'\?. --seed"),
        ({"epoch": "step"}, "no column 'step'.*--epoch names it"),
        ({"measure": "los"}, r"no run has a figure 'los'; they have loss; did you mean 'loss'\?"),
        ({"measure": ()}, "name what is to be decided on"),
        ({"measure": "loss:up"}, "no run has a figure 'loss:up'"),
        ({"measure": "train_loss"}, "training samples"),
        ({"columns": {"eval/loss": range(6)}}, "'loss' and 'eval/loss', beside which the first is .* name eval/loss"),
        ({"measure": "val_top1-acc"}, "of 'val_top1-acc' more is better by its name, .* val_top1-acc:higher or"),
        ({"margin": "1%"}, "a margin is a difference above 0, .*; got '1%'"),
        (
            {"measure": "accuracy", "margin": 1, "columns": {"accuracy": [0.5] * 6}},
            "a share here, .* margin of 1 is all",
        ),
        ({"columns": {"loss": 5}}, "a list of values in each column; column 'loss' is 5"),
        ({"columns": {"loss": [1, 2]}}, "of one length; these have model 6, seed 6, loss 2"),
        ({"columns": {"loss": [0.7654321] * 3 + [0.1234567] * 3}}, "all seeds of 'a' gave the very same .* of 'b'"),
        ({"baseline": "c"}, "baseline 'c' is none of the arms: a, b"),
        ({"columns": {"seed": [0, 0, 2] * 2}}, "row 0 and row 1 are the same arm and seed"),
        ({"columns": {"seed": [0, 1, 2, 3, 4, 5]}}, r"seeds that all of them have, .*a: \[0, 1, 2\], b: \[3, 4, 5\]"),
        ({"columns": {"seed": ["x", "y", "z"] * 2}}, "the seed of row 0 is 'x'; a whole number is wanted"),
        ({"columns": {"seed": [0.5, 1, 2] * 2}}, "the seed of row 0 is 0.5"),
        ({"columns": {"model": list("aaaaaa"), "seed": range(6)}}, "only one arm, 'a'"),
        ({"columns": {"loss": [1, 2, "n/a", 1, 2, 3]}}, "row 2, loss, is 'n/a'; a number is wanted"),
        ({"columns": {"loss": [1, 2, "0,5", 1, 2, 3]}}, "row 2, loss, is '0,5'; a number is wanted, with a point"),
    ],
)
def test_tables(more, message):
    with pytest.raises(UserError, match=message):
        judged(**more)


def test_one_seed():
    with pytest.raises(UserError, match="there is one seed, 0; one seed shows one run, not an effect"):
        droplab.judge({"model": ["a", "b"], "seed": [0, 0], "loss": [1.0, 2.0]}, arm="model", measure="loss")


@pytest.mark.parametrize("lost", [float("nan"), np.nan, None, ""])
def test_a_run_without_a_number_is_one_that_failed(lost):
    columns = {"loss": [0.5, 0.6, 0.7, 0.31, 0.41, lost]}
    found = judged(columns=columns)
    assert found.verdict.primary.of("b").failures.count == 1
    assert found.verdict.recommended == "a"
    assert found.text().count('1 of 3 runs of "b" failed') == 1


def test_seeds_that_not_every_arm_has_are_left_out_and_named():
    columns = {"model": [*"aaabbb", "a"], "seed": [0, 1, 2] * 2 + [7], "loss": [0.5, 0.6, 0.7, 0.31, 0.41, 0.52, 9.0]}
    found = judged(columns=columns)
    assert found.record.seeds == (0, 1, 2)
    assert "Seeds that not every arm has are left out: 7." in found.text()
    assert "一部の条件にしかないシードを除いています：7。" in found.text("ja")


def test_runs_of_other_lengths_are_told():
    table = pd.DataFrame(
        [
            {"model": arm, "seed": seed, "epoch": epoch, "loss": 1 / (epoch + 1) + 0.01 * seed}
            for arm, epochs in (("a", 3), ("b", 4))
            for seed in range(3)
            for epoch in range(epochs)
        ]
    )
    text = droplab.judge(table, arm="model", measure="loss").text()
    assert "Runs have from 3 to 4 epochs; the best of more epochs is better by chance." in " ".join(text.split())
    with pytest.raises(UserError, match="the same arm and seed have epoch twice"):
        droplab.judge(pd.concat([table, table]), arm="model", measure="loss")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no table"),
        ("loss\n1\n", "no table"),
        ("model,seed,loss\na,0\n", "line 2 has 2 cells where the first line names 3"),
        ("model,seed,loss,loss\na,0,1,2\n", "two columns 'loss'"),
        (b"\xff\xfe\x00", "no UTF-8 text"),
    ],
)
def test_files_that_are_no_tables(tmp_path, text, message):
    path = tmp_path / "runs.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message):
        droplab.judge(path, arm="model", measure="loss")


@pytest.mark.parametrize(
    ("name", "content"), [("trainer_state.json", "{"), ("trainer_state.json", "[]"), ("a.wandb", "x")]
)
def test_files_that_are_not_what_their_names_say(tmp_path, name, content):
    (tmp_path / name).write_text(content * 40)
    with pytest.raises(UserError):
        droplab.judge(tmp_path, measure="loss")


def test_a_thing_that_is_no_table():
    with pytest.raises(UserError, match="can be judged; got 3"):
        droplab.judge(3, measure="loss")


def test_accuracies_in_percent_are_no_shares():
    columns = {"accuracy": [50.0, 60.0, 70.0, 71.0, 81.0, 92.0]}
    measure = judged(columns=columns, measure="accuracy:higher").record.measures[0]
    assert (measure.unit, measure.counted) == ("", False)
    shares = {"accuracy": [0.5, 0.6, 0.7, 0.71, 0.81, 0.92]}
    assert judged(columns=shares, measure="accuracy:higher").record.measures[0].unit == "share"


def test_directions_and_names():
    (first, second) = wanted_measures(["eval/rmse", "val_accuracy"])
    assert (first.measure.better, first.metric) == ("lower", "val_rmse")
    assert (second.measure.better, second.metric) == ("higher", "val_accuracy")
    assert wanted_measures(["x:y:higher"])[0].source == "x:y"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("a/seed3", {"path": "a", "seed": 3}),
        ("seed_3/a/checkpoint-7", {"path": "a", "seed": 3}),
        ("drop-seed=3-lr", {"path": "drop-lr", "seed": 3}),
        ("lightning_logs/version_0", {"path": ""}),
        ("seedling4", {"path": "seedling4"}),
    ],
)
def test_what_a_path_tells(tmp_path, path, fields):
    assert path_fields(tmp_path / path, tmp_path) == fields


def test_the_command(tmp_path, capsys):
    path = tmp_path / "runs.csv"
    pd.DataFrame(TABLE).to_csv(path, index=False)
    page = tmp_path / "page.html"
    main(["judge", str(path), "--arm", "model", "--measure", "loss", "--page", str(page)])
    assert 'Use "b"' in capsys.readouterr().out
    assert "recorded elsewhere" in page.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["judge", str(path), "--arm", "modle", "--measure", "loss"])
    assert "did you mean 'model'" in capsys.readouterr().err
