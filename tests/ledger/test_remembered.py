"""What is kept of a large ledger that was read: the same figures, and never those of another file."""

from __future__ import annotations

import contextlib
import math
import sqlite3

import pytest

from droplab.errors import LedgerError
from droplab.ledger import Ledger, LedgerReader, remembered
from droplab.records import Measurement, RunKey

KEYS = [RunKey("a", 0), RunKey("b", 0)]
PAIRS = ((0.5, 3.0), (1.5, 2.0))


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A ledger with holes, folds of some epochs only, and a run that has not begun."""
    monkeypatch.setattr(remembered, "LEAST", 1)
    spec = {"name": "x", "arms": [{"name": "a"}, {"name": "b"}], "seeds": [0], "baseline": "", "recipe": {"epochs": 3}}
    path = tmp_path / "ledger.sqlite"
    with Ledger.create(path, {"spec": spec}, KEYS) as ledger:
        for epoch in range(3):
            figures = {"val_loss": 0.1 * epoch, **({"lr": math.nan} if epoch else {"lr": 1.0, "once": math.inf})}
            folds = {"val_loss": PAIRS, **({"val_f1": PAIRS} if epoch else {})}
            ledger.commit_epoch(KEYS[0], Measurement(epoch, figures, folds=folds))
    return path


def read(path):
    with LedgerReader.open(path) as ledger:
        return ledger.read()


def kept(path):
    return path.with_name("ledger.sqlite-read")


def test_it_is_read_again_without_a_look_at_the_rows(path, monkeypatch):
    first = read(path)
    assert first.runs[KEYS[0]].metrics["once"] == (math.inf, math.nan, math.nan)
    assert first.runs[KEYS[0]].folds == {"val_f1": ((), PAIRS, PAIRS), "val_loss": (PAIRS,) * 3}
    assert first.runs[KEYS[1]].metrics == {}
    monkeypatch.setattr("droplab.ledger.reader.sealed", None)
    assert read(path) == first


def test_whoever_has_written_and_read_leaves_it_behind(path, monkeypatch):
    with Ledger.open(path) as ledger:
        ledger.set_state(KEYS[0], "done")
        first = ledger.read()
        assert not kept(path).exists()
    monkeypatch.setattr("droplab.ledger.reader.sealed", None)
    assert read(path) == first


def test_a_ledger_that_was_changed_or_damaged_is_read_anew(path):
    before = read(path)
    with Ledger.open(path) as ledger:
        ledger.read()
        ledger.commit_epoch(KEYS[1], Measurement(0, {"val_loss": 7.0}))
    assert read(path).runs[KEYS[1]].metrics == {"val_loss": (7.0,)}
    assert read(path).runs[KEYS[0]] == before.runs[KEYS[0]]
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE metrics SET value = value + 1e-9 WHERE run = 1 AND epoch = 1 AND name = 'val_loss'")
    with pytest.raises(LedgerError, match="a · seed 0 from epoch 2 on"):
        read(path)


@pytest.mark.parametrize(
    "spoil", [lambda raw: raw[:-1], lambda raw: raw[:-9] + bytes(9), lambda raw: b"", lambda _: b"x"]
)
def test_what_is_wrong_with_it_is_no_matter(path, spoil):
    first = read(path)
    kept(path).write_bytes(spoil(kept(path).read_bytes()))
    assert read(path) == first
    assert len(kept(path).read_bytes()) > 200


def test_small_ledgers_have_none(path, monkeypatch):
    monkeypatch.setattr(remembered, "LEAST", 8_000_000)
    read(path)
    assert not kept(path).exists()
