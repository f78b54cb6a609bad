"""The file itself: made whole, found at its place, read wherever it lies, and checked."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from droplab.errors import DroplabError, LedgerError, UserError
from droplab.ledger import FILE_NAME, SCHEMA_VERSION, Ledger, LedgerReader, exists, files, read_experiment
from droplab.records import Measurement, RunKey, SampleValues
from droplab.results import Results
from droplab.testing.sinks import commit, measurement, write_ledger

OLD = Path(__file__).parent / "old"
KEY = RunKey("no dropout", 0)


@pytest.fixture
def path(tmp_path) -> Path:
    """A closed ledger of four runs of three epochs."""
    with write_ledger(tmp_path / "x") as ledger:
        ledger.add_environment({"torch": "2"})
        commit(ledger, range(3))
    return tmp_path / "x" / FILE_NAME


def change(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


# made whole -------------------------------------------------------------------------------------


def test_a_ledger_that_cannot_be_filled_is_not_there(tmp_path, monkeypatch):
    def full(*_args):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("droplab.ledger.writer.seal_all", full)
    with pytest.raises(LedgerError, match="Nothing was begun; make room"):
        write_ledger(tmp_path / "x")
    assert list((tmp_path / "x").iterdir()) == []
    monkeypatch.undo()
    with write_ledger(tmp_path / "x") as ledger:
        assert len(ledger.progress()) == 4


@pytest.mark.parametrize("left", ["ledger.sqlite.new", "ledger.sqlite.new-journal", "ledger.sqlite"])
def test_what_a_kill_left_is_no_obstacle(tmp_path, left):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / left).write_bytes(b"")
    assert not exists(tmp_path / "x" / FILE_NAME)
    with pytest.raises(UserError, match="holds no experiment"):
        read_experiment(tmp_path / "x")
    with write_ledger(tmp_path / "x") as ledger:
        assert len(ledger.progress()) == 4


def test_a_ledger_is_never_overwritten(path):
    with pytest.raises(LedgerError, match="exists already"):
        write_ledger(path.parent)


def test_enlarging_is_one_transaction(path, monkeypatch):
    keys = [RunKey(arm, 2) for arm in ("no dropout", "dropout 0.5")]
    with Ledger.open(path) as ledger:
        before = (ledger.design(), ledger.read())

        def full(*_args):
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr("droplab.ledger.writer._add_runs", full)
        with pytest.raises(LedgerError, match="disk is full"):
            ledger.enlarge([2], keys)
        monkeypatch.undo()
        assert (ledger.design(), ledger.read()) == before
        ledger.enlarge([2], keys)
        record = ledger.read()
    assert (record.seeds, record.looks, len(record.runs)) == ((0, 1, 2), 1, 6)


# at its place -----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["deleted", "moved", "replaced", "folder deleted", "folder moved"])
def test_a_ledger_that_goes_away_is_noticed(path, tmp_path, what):
    with Ledger.open(path) as ledger:
        if what == "deleted":
            path.unlink()
        elif what == "moved":
            path.rename(path.with_name("elsewhere"))
        elif what == "replaced":
            shutil.copy(path, tmp_path / "copy")
            (tmp_path / "copy").replace(path)
        elif what == "folder deleted":
            shutil.rmtree(path.parent)
        else:
            path.parent.rename(tmp_path / "y")
        with pytest.raises(LedgerError, match="replaced while" if what == "replaced" else "deleted or moved while"):
            ledger.set_state(KEY, "running")


def test_the_one_file_has_every_run_that_ended(path, tmp_path):
    with Ledger.open(path) as ledger:
        ledger.set_state(KEY, "running")
        ledger.commit_epoch(KEY, measurement(KEY, 0))
        ledger.set_state(KEY, "done")
        ledger.fold()
        (tmp_path / "backup").mkdir()
        shutil.copy(path, tmp_path / "backup" / FILE_NAME)  # without its -wal, as a careless backup does
        assert read_experiment(tmp_path / "backup") == ledger.read()


# read wherever it lies --------------------------------------------------------------------------


def unwritable(path: Path) -> None:
    """SQLite cannot make its side file any more, as on a read-only volume."""
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    path.with_name(f"{path.name}-shm").symlink_to("/nowhere/at/all")


def test_a_closed_ledger_is_read_from_storage_that_cannot_be_written(path):
    expected = read_experiment(path.parent)
    unwritable(path)
    with contextlib.closing(sqlite3.connect(path)) as db, pytest.raises(sqlite3.OperationalError):
        db.execute("SELECT * FROM runs")
    assert read_experiment(path.parent) == expected
    with LedgerReader.open(path) as ledger:
        assert ledger.histograms(KEY)
        assert ledger.measurement(KEY, 1).metrics
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger.open(path)


def test_so_is_one_that_was_not_closed(path, tmp_path):
    with Ledger.open(path) as ledger:
        ledger.event("note", text="only in the log")
        (tmp_path / "y").mkdir()
        for end in ("", "-wal"):
            shutil.copy(path.with_name(path.name + end), tmp_path / "y" / (FILE_NAME + end))
        expected = ledger.read()
    unwritable(tmp_path / "y" / FILE_NAME)
    assert read_experiment(tmp_path / "y") == expected
    assert expected.events[-1].detail == {"text": "only in the log"}


def test_a_reader_does_not_write(path):
    before = path.read_bytes()
    with LedgerReader.open(path) as ledger, pytest.raises(sqlite3.OperationalError, match="readonly"):
        ledger._db.execute("DELETE FROM runs")
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == [FILE_NAME]


# checked ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "UPDATE metrics SET value = value + 1e-9 WHERE run = 2 AND epoch = 1 AND name = 'gap'",
            "from epoch 2 on",
        ),
        ("DELETE FROM metrics WHERE run = 2 AND epoch = 1", "from epoch 2 on"),
        ("DELETE FROM metrics WHERE run = 2 AND epoch = 1 AND name = 'gap'", "from epoch 2 on"),
        ("UPDATE metrics SET epoch = 9 WHERE run = 2 AND epoch = 1", "from epoch 2 on"),
        ("UPDATE metrics SET name = 'val_lost' WHERE run = 2 AND epoch = 1 AND name = 'val_loss'", "from epoch 2 on"),
        ("UPDATE metrics SET run = 77 WHERE run = 2", "a run 77 that it does not have"),
        ("DELETE FROM epoch_seals WHERE run = 2 AND epoch = 1", "from epoch 2 on"),
        ("UPDATE runs SET state = 'failed' WHERE id = 2", "its runs are not"),
        ("DELETE FROM runs WHERE id = 2", "its runs are not"),
        ("UPDATE runs SET seed = 7 WHERE id = 2", "its runs are not"),
        ("UPDATE design SET value = replace(value, '0.001', '0.002') WHERE key = 'spec'", "its design are not"),
        ("UPDATE events SET kind = 'test set opened' WHERE id = 1", "its events are not"),
        ("DELETE FROM events WHERE id = (SELECT MAX(id) FROM events)", "its events are not"),
        ("UPDATE seals SET digest = zeroblob(16) WHERE part = 'design'", "its design are not"),
        ("DELETE FROM seals", "its design are not"),
        ("DROP TABLE epoch_seals", "its version and its tables"),
        ("DROP TABLE folds", "its version and its tables"),
        ("PRAGMA user_version = 2", "its version and its tables"),
    ],
)
def test_figures_that_are_not_what_was_written_are_refused(path, statement, words):
    change(path, statement)
    with pytest.raises(LedgerError, match=words):
        read_experiment(path.parent)


def test_so_are_histograms_predictions_and_environments(path):
    change(
        path,
        "UPDATE histograms SET high = high * 2 WHERE run = 1 AND epoch = 2",
        "INSERT INTO predictions VALUES (3, 2, X'0000', X'00000000')",
        "UPDATE environments SET detail = '{}'",
    )
    assert len(read_experiment(path.parent).runs) == 4
    with LedgerReader.open(path) as ledger:
        keys = list(ledger.progress())
        assert ledger.damaged_runs() == {keys[0]: 2, keys[2]: 2}
        assert ledger.histograms(keys[1])
        for ask in (lambda: ledger.histograms(keys[0]), lambda: ledger.measurement(keys[0], 2)):
            with pytest.raises(LedgerError, match=r"no dropout · seed 0 from epoch 3 on.*The other runs are whole"):
                ask()
        with pytest.raises(LedgerError, match="seed 1 from epoch 3 on"):
            ledger.predictions(keys[2])
        with pytest.raises(LedgerError, match="its environments are not"):
            ledger.environments()
        with pytest.raises(LedgerError, match="no epoch 8 of"):
            ledger.measurement(keys[0], 7)


PAIRS = {"val_loss": ((0.1, 2.0), (0.7, 3.0)), "val_f1": ((1.0, 5.0),)}


def test_folds_and_samples_are_written_with_their_epoch(path):
    def write(epoch, value, *, best):
        samples = {"val_loss": SampleValues((3, 7), (value, 0.5))}
        ledger.commit_epoch(KEY, Measurement(epoch, {"val_loss": value}, folds=PAIRS, samples=samples, best=best))

    with Ledger.open(path) as ledger:
        ledger.forget(KEY)
        for epoch, best in enumerate([True, True, False, False]):
            write(epoch, epoch / 8, best=best)
        assert {epoch: found["val_loss"].values for epoch, found in ledger.samples(KEY).items()} == {
            1: (0.125, 0.5),
            3: (0.375, 0.5),
        }
        write(2, 0.0, best=True)  # again, after an interruption
        assert list(ledger.samples(KEY)) == [2]
        ledger.commit_epoch(KEY, Measurement(4, {"val_loss": 1.0}))
        assert ledger.damaged_runs() == {}
    run = read_experiment(path.parent).runs[KEY]
    assert run.folds == {name: (pairs,) * 4 + ((),) for name, pairs in PAIRS.items()}
    change(path, "UPDATE samples SET ids = X'0000000000000000' || X'0000000000000000'")
    with LedgerReader.open(path) as reader, pytest.raises(LedgerError, match="from epoch 3 on"):
        reader.samples(KEY)
    change(path, "DELETE FROM folds WHERE epoch = 1")
    with pytest.raises(LedgerError, match="from epoch 2 on"):
        read_experiment(path.parent)


def test_what_is_damaged_can_be_forgotten_and_measured_again(path):
    expected = read_experiment(path.parent)
    change(path, "UPDATE metrics SET value = 0 WHERE run = 1 AND epoch = 0")
    with Ledger.open(path) as ledger:
        assert ledger.damaged_runs() == {KEY: 0}
        ledger.forget(KEY)
        assert ledger.damaged_runs() == {}
        assert ledger.open_runs() == [KEY]
        for epoch in range(3):
            ledger.commit_epoch(KEY, measurement(KEY, epoch))
        ledger.set_state(KEY, "done")
        assert repr(ledger.read().runs) == repr(expected.runs)  # NaN is not equal to itself


def test_one_flipped_bit_is_never_another_figure(path):
    """A few here; `make prove` has many."""
    seen = flip_bits(path, 60)
    assert seen["silent"] == 0
    assert seen["refused"] > 10


def flip_bits(path: Path, count: int, seed: int = 1) -> dict[str, int]:
    """What reading everything gives when one bit of the file is another: the same, an error of ours, or else."""
    whole, rng = path.read_bytes(), random.Random(seed)
    expected = everything(path)
    found = {"same": 0, "refused": 0, "silent": 0}
    for _ in range(count):
        place = rng.randrange(8 * len(whole))
        raw = bytearray(whole)
        raw[place // 8] ^= 1 << place % 8
        for end in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        path.write_bytes(raw)
        try:
            found["same" if everything(path) == expected else "silent"] += 1
        except DroplabError:
            found["refused"] += 1
    path.write_bytes(whole)
    return found


def everything(path: Path) -> str:
    """All that a ledger gives to read."""
    with LedgerReader.open(path) as ledger:
        record = ledger.read()
        runs = [(key, ledger.run_id(key), ledger.histograms(key), ledger.predictions(key)) for key in record.runs]
        return repr((record, ledger.design(), ledger.environments(), runs, ledger.open_runs(), ledger.progress()))


# of older versions ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2, 3])
def test_ledgers_of_older_versions(version, tmp_path):
    path = tmp_path / FILE_NAME
    shutil.copy(OLD / f"version{version}.sqlite", path)
    results = Results.read(tmp_path)
    record = results.record
    states = [(str(key), run.state, run.epochs_done) for key, run in record.runs.items()]
    assert states == [
        ("no dropout · seed 0", "done", 2),
        ("dropout 0.25 · seed 0", "done", 2),
        ("no dropout · seed 1", "done", 2),
        ("dropout 0.25 · seed 1", "interrupted", 1),
    ]
    assert record.name == "old 実験"
    assert "no dropout" in results.text()
    with LedgerReader.open(path) as ledger:
        assert ledger._db.execute("PRAGMA user_version").fetchone()[0] == version  # reading changes nothing
        assert ledger.samples(KEY) == {}
    key = RunKey("dropout 0.25", 1)
    with Ledger.open(path) as ledger:
        assert ledger._db.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
        assert ledger.read() == record
        assert (ledger.predictions(KEY) is None) == (version == 1)
        assert len(ledger.histograms(KEY)[1]) == 4
        ledger.commit_epoch(key, measurement(key, 1))
        ledger.set_state(key, "done")
    change(path, "UPDATE metrics SET value = 0 WHERE run = 1 AND name = 'val_loss'")
    with pytest.raises(LedgerError, match="no dropout · seed 0 from epoch 1 on"):
        Results.read(tmp_path)


def test_what_was_damaged_in_an_older_version_is_so_in_this_one(tmp_path):
    path = tmp_path / FILE_NAME
    shutil.copy(OLD / "version3.sqlite", path)
    change(path, "UPDATE metrics SET value = 0 WHERE run = 1 AND name = 'val_loss'")
    with Ledger.open(path) as ledger:
        assert ledger.damaged_runs() == {KEY: 0}


@pytest.mark.parametrize("version", [1, 2, 3])
def test_older_versions_are_read_where_nothing_can_be_written(version, tmp_path):
    raw = (OLD / f"version{version}.sqlite").read_bytes()
    (tmp_path / FILE_NAME).write_bytes(raw)
    unwritable(tmp_path / FILE_NAME)
    assert len(read_experiment(tmp_path).runs) == 4
    assert (tmp_path / FILE_NAME).read_bytes() == raw


def test_a_damaged_old_ledger_is_told_of_without_a_traceback(tmp_path):
    shutil.copy(OLD / "version2.sqlite", tmp_path / FILE_NAME)
    change(tmp_path / FILE_NAME, "UPDATE design SET value = '{' WHERE key = 'spec'")
    with pytest.raises(LedgerError, match=r"is damaged.*JSONDecodeError"):
        read_experiment(tmp_path)


def test_a_name_that_is_not_utf8(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9 %3f?#")
    with write_ledger(folder) as ledger:
        commit(ledger, range(1))
    assert len(read_experiment(folder).runs) == 4
    assert files.exists(folder / FILE_NAME)
