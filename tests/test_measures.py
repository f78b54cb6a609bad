"""Measures: what users may write, what they are told otherwise, and how a ledger keeps them."""

import sqlite3

import pytest

from droplab.errors import UserError
from droplab.ledger import FILE_NAME, Ledger, LedgerReader
from droplab.measures import RESERVED, kept_measures, measures_json, read_measures
from droplab.records import CLASSIFICATION, Measure, RunKey
from droplab.testing.sinks import write_ledger

RMSE = Measure("rmse", "lower")


@pytest.mark.parametrize(
    "given",
    [
        {"rmse": "lower", "r2": "higher"},
        {"rmse": {"better": "lower"}, "r2": {"better": "higher", "unit": "", "counted": False}},
        [RMSE, {"name": "r2", "better": "higher"}],
        (RMSE, Measure("r2", "higher")),
    ],
)
def test_every_form_gives_the_same(given):
    assert read_measures(given) == (RMSE, Measure("r2", "higher"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "no measure"),
        ([], "no measure"),
        ("loss", "got 'loss'"),
        (None, "got None"),
        (["loss"], "got 'loss'"),
        ({"": "lower"}, "at least one character"),
        ({3: "lower"}, "at least one character"),
        ([{"better": "lower"}], "at least one character"),
        ({"f 1": "lower"}, "no blanks"),
        ({"f\n1": "lower"}, "no blanks"),
        ({"p/x": "lower"}, "no '/'"),
        ({"{arm}": "lower"}, "no braces"),
        ({"a\x1b": "lower"}, "control"),
        ({"x" * 65: "lower"}, "at most 64"),
        ({"val_f1": "higher"}, "declare 'f1' and report val_f1=…"),
        ({"f1": "up"}, "better is 'up'; it is 'lower' or 'higher'"),
        ({"f1": 1}, "better is 1"),
        ({"f1": {"unit": ""}}, "which direction is better"),
        ({"f1": {"better": "higher", "unit": "%"}}, "unit is '%'; it is 'nats', 'share' or ''"),
        ({"f1": {"better": "higher", "unit": []}}, "unit is []"),
        ({"f1": {"better": "higher", "counted": 1}}, "counted is 1"),
        ({"f1": {"better": "higher", "ubit": ""}}, "has no 'ubit'"),
        ([RMSE, {"name": "rmse", "better": "higher"}], "'rmse' is declared twice"),
        *(({name: "lower"}, "take another name") for name in RESERVED),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given, words):
    with pytest.raises(UserError) as caught:
        read_measures(given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_ledger_keeps_them_and_one_without_is_of_classification(tmp_path):
    with write_ledger(tmp_path) as ledger:
        design = ledger.design()
        assert ledger.read().measures == CLASSIFICATION
    given = (Measure("f1", "higher", "share", counted=True), RMSE)
    assert kept_measures({"measures": measures_json(given)}) == given
    path = tmp_path / "other" / FILE_NAME
    path.parent.mkdir()
    Ledger.create(path, {**design, "measures": measures_json(given)}, [RunKey("no dropout", 0)]).close()
    with LedgerReader.open(path) as other:
        assert other.read().measures == given


def test_old_ledgers_are_not_changed(tmp_path):
    with write_ledger(tmp_path) as ledger:
        ledger.read()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        assert not db.execute("SELECT 1 FROM design WHERE key = 'measures'").fetchall()
    db.close()
