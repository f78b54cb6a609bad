"""Lists fit the terminal and are data for programs; what is to be copied is never cut."""

from __future__ import annotations

import json
import shutil

import pytest

from droplab.align import width
from droplab.cli import main
from droplab.cli.tabling import Column, drawn
from droplab.datasets import catalogue
from droplab.ledger import Ledger
from droplab.records import RunKey
from droplab.variants.table import TABLE

LISTS = {
    "runs": "runs DIR",
    "kinds": "kinds",
    "kind": "kinds drop_block2d",
    "data": "data list",
    "verdict": "verdict DIR",
}


def said(capsys, command, folder, *more):
    main([str(folder) if word == "DIR" else word for word in command.split()] + list(more))
    return capsys.readouterr().out


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", LISTS.values(), ids=LISTS)
def test_nothing_is_wider_than_the_terminal(finished, capsys, monkeypatch, command, columns, lang):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = said(capsys, command, finished.folder, "--lang", lang)
    lines = [line for line in out.splitlines() if str(finished.folder) not in line]  # paths are not cut
    assert max(map(width, lines)) <= columns
    assert command == "verdict DIR" or "…" not in out
    assert "\x1b" not in out


def test_names_are_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    kinds, sets = said(capsys, "kinds", ""), said(capsys, "data list", "")
    assert [name for name in TABLE if f"{name} " not in kinds] == []
    assert [entry.name for entry in catalogue() if f"{entry.name} " not in sets] == []


def test_each_row_is_a_line_where_nobody_says_how_wide(finished, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert said(capsys, "kinds", "").count("\n") == len(TABLE) + 1
    assert said(capsys, "data list", "").count("\n") == len(catalogue()) + 1


@pytest.mark.parametrize("command", ["runs DIR", "kinds", "data list"])
def test_programs_get_values(finished, capsys, command):
    found = json.loads(said(capsys, command, finished.folder, "--json"))
    head, *lines = said(capsys, command, finished.folder, "--plain", "--lang", "ja").splitlines()
    assert head.split("\t") == list(found[0])
    assert len(lines) == len(found)
    assert {line.count("\t") for line in lines} == {head.count("\t")}


def test_runs_as_json_are_those_of_the_ledger(finished, capsys):
    found = json.loads(said(capsys, "runs DIR", finished.folder, "--json"))
    for row, (key, run) in zip(found, finished.record.runs.items(), strict=True):
        assert (row["arm"], row["seed"], row["state"], row["epochs"]) == (key.arm, key.seed, run.state, run.epochs_done)
        assert row["val_loss"] == run.metrics["val_loss"][-1]


def test_failures_that_are_alike_are_one_line(finished, tmp_path, capsys):
    folder = tmp_path / "x"
    shutil.copytree(finished.folder, folder)
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        for seed, arm in enumerate(("no dropout", "dropout 0.25")):
            ledger.set_state(RunKey(arm, seed), "failed", f"NaN or infinity began in fc1, at step {seed}")
    out = said(capsys, "runs DIR", folder, "--lang", "ja")
    assert out.count("NaN か無限大が始まりました") == 1
    assert "no dropout · シード 0、dropout 0.25 · シード 1: ステップ 0 の fc1 から" in out


def test_columns_that_can_be_spared_go_before_others_fold():
    heads = [
        Column("a", "arm", prose=True),
        Column("b", "val", number=True),
        Column("c", "gap", number=True, spare=True),
    ]
    row = ["an arm of a name that is long", "0.1234", "0.0001"]
    assert drawn(heads, [row], 0)[1] == "an arm of a name that is long  0.1234  0.0001"
    assert drawn(heads, [row], 32) == ["arm                          val", "an arm of a name that is  0.1234", "long"]
