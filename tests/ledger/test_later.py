"""A ledger that is read again: what is new is read, what is known is kept, and nothing differs from reading all."""

from __future__ import annotations

import sqlite3

import pytest

from droplab.errors import LedgerError
from droplab.ledger import FILE_NAME, Ledger, LedgerReader, read_experiment
from droplab.records import Measurement, RunKey
from tests.board.ledgers import ARMS, begin, epoch

FIRST, SECOND = RunKey(ARMS[0], 0), RunKey(ARMS[1], 0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "one" / FILE_NAME


def test_every_step_of_training_reads_as_if_all_were_read(path):
    with begin(path.parent) as ledger:

        def odd(key, number):
            """Another metric, and as many folds as no epoch before it."""
            metrics = {"val_loss": float("nan"), "late": 2.0}
            ledger.commit_epoch(key, Measurement(number, metrics, folds={"val_loss": ((1.0, 2.0), (3.0, 4.0))}))

        steps = [
            lambda: ledger.set_state(FIRST, "running"),
            lambda: epoch(ledger, FIRST, 0),
            lambda: epoch(ledger, FIRST, 1),
            lambda: ledger.set_state(SECOND, "running"),
            lambda: (epoch(ledger, FIRST, 2), epoch(ledger, SECOND, 0)),
            lambda: odd(FIRST, 3),
            lambda: ledger.set_state(FIRST, "interrupted"),
            lambda: (ledger.set_state(FIRST, "running"), epoch(ledger, FIRST, 2, shift=1.0)),
            lambda: (ledger.set_state(FIRST, "running"), epoch(ledger, FIRST, 2, shift=2.0)),  # after a kill
            lambda: (odd(FIRST, 4), epoch(ledger, FIRST, 5)),
            lambda: (epoch(ledger, FIRST, 3), epoch(ledger, FIRST, 4), ledger.set_state(FIRST, "done")),
            lambda: ledger.set_state(SECOND, "failed", "why"),
            lambda: ledger.forget(SECOND),
            lambda: ledger.enlarge([7], [RunKey(arm, 7) for arm in ARMS]),
            lambda: ledger.rename("another"),
            lambda: ledger.event("user note", text="seen"),
        ]
        known = read_experiment(path.parent)
        for step in steps:
            step()
            with LedgerReader.open(path) as reader:
                before, known = known, reader.read(known)
            whole = read_experiment(path.parent)
            assert repr(known) == repr(whole)  # NaN is no number that equals itself
            kept = [key for key, run in known.runs.items() if before.runs.get(key) is run]
            assert len(kept) >= len(known.runs) - 2


def test_only_what_is_new_is_read(path):
    with begin(path.parent, epochs=50) as ledger:
        ledger.set_state(FIRST, "running")
        for number in range(40):
            epoch(ledger, FIRST, number)
        known = ledger.read()
        with sqlite3.connect(path) as db:  # what is known is not looked at again
            db.execute("UPDATE metrics SET value = 9 WHERE epoch < 40")
        db.close()
        assert ledger.read(known).runs[FIRST] is known.runs[FIRST]
        epoch(ledger, FIRST, 40)
        later = ledger.read(known).runs[FIRST]
        assert later.metrics["val_loss"][:40] == known.runs[FIRST].metrics["val_loss"]
        assert later.epochs_done == 41
        with pytest.raises(LedgerError, match="is not what was written"):
            ledger.read()


def test_a_new_epoch_that_is_damaged_is_refused(path):
    with begin(path.parent) as ledger:
        ledger.set_state(FIRST, "running")
        epoch(ledger, FIRST, 0)
        known = ledger.read()
        epoch(ledger, FIRST, 1)
        with sqlite3.connect(path) as db:
            db.execute("UPDATE metrics SET value = 9 WHERE epoch = 1")
        db.close()
        with pytest.raises(LedgerError, match="from epoch 2 on"):
            ledger.read(known)


def test_another_experiment_at_the_same_place_is_read_whole(path, tmp_path):
    with begin(path.parent) as ledger:
        known = ledger.read()
    with begin(tmp_path / "two") as other:
        epoch(other, FIRST, 0)
        assert other.read(known) == other.read()


def test_a_copy_that_was_put_back_is_read_whole(path):
    with begin(path.parent, epochs=9) as ledger:
        ledger.set_state(FIRST, "running")
        epoch(ledger, FIRST, 0)
    copy = path.read_bytes()
    with Ledger.open(path) as ledger:
        for number in range(1, 6):
            epoch(ledger, FIRST, number)
        ledger.set_state(FIRST, "interrupted")
        ledger.set_state(FIRST, "running")
        known = ledger.read()
    path.write_bytes(copy)
    with Ledger.open(path) as ledger:
        ledger.set_state(FIRST, "running")
        epoch(ledger, FIRST, 1, shift=1.0)
        later = ledger.read(known)
        assert later == ledger.read()
        assert later.runs[FIRST].epochs_done == 2
