"""The ledger: one SQLite file that holds an experiment's design, runs, metrics, events and environments.

Only the driving process writes it. Each epoch is one transaction, replaced as a whole when a resumed run
measures it again, so no row is lost or doubled. WAL mode lets others read meanwhile.
"""

from __future__ import annotations

import json
import math
import sqlite3
import uuid
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from droplab.errors import LedgerError, UserError
from droplab.records import Event, ExperimentRecord, Histogram, Measurement, Predictions, RunKey, RunRecord

SCHEMA_VERSION = 2
FILE_NAME = "ledger.sqlite"

_SCHEMA = """
CREATE TABLE design (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, arm TEXT NOT NULL, seed INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'running', 'interrupted', 'failed', 'done')),
    reason TEXT NOT NULL DEFAULT '', retry INTEGER NOT NULL DEFAULT 1,
    started TEXT, ended TEXT, UNIQUE (arm, seed)
);
CREATE TABLE metrics (
    run INTEGER NOT NULL REFERENCES runs (id), epoch INTEGER NOT NULL, name TEXT NOT NULL, value REAL,
    PRIMARY KEY (run, epoch, name)
) WITHOUT ROWID;
CREATE TABLE histograms (
    run INTEGER NOT NULL REFERENCES runs (id), epoch INTEGER NOT NULL, kind TEXT NOT NULL,
    layer TEXT NOT NULL, low REAL NOT NULL, high REAL NOT NULL, counts BLOB NOT NULL,
    PRIMARY KEY (run, epoch, kind, layer)
) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, kind TEXT NOT NULL,
    run INTEGER REFERENCES runs (id), detail TEXT NOT NULL
);
CREATE TABLE environments (id INTEGER PRIMARY KEY, time TEXT NOT NULL, detail TEXT NOT NULL);
"""
_PREDICTIONS = """
CREATE TABLE IF NOT EXISTS predictions (
    run INTEGER PRIMARY KEY REFERENCES runs (id), epoch INTEGER NOT NULL,
    classes BLOB NOT NULL, confidence BLOB NOT NULL
);
"""


def now() -> str:
    """The present moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Ledger:
    """An open ledger. Use ``create`` or ``open``; close it, or use it in a ``with``.

    Every method raises ``LedgerError`` where SQLite cannot read or write (a full disk, missing
    permissions, a damaged file); what was committed before stays.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection

    @classmethod
    def create(cls, path: Path, design: Mapping[str, Any], runs: list[RunKey]) -> Ledger:
        """Write a new ledger for a design and its planned runs.

        Args:
            path: must not exist.
            design: JSON-ready values by key; an ``experiment_id`` is added.
            runs: in the order in which they should be carried out.
        """
        if path.exists():
            raise LedgerError(f"{path} exists already; a ledger is never overwritten")
        ledger = cls(path, _connect(path))
        with ledger._writing() as db:
            db.executescript(f"BEGIN; {_SCHEMA} {_PREDICTIONS} PRAGMA user_version = {SCHEMA_VERSION};")
            values = {"experiment_id": uuid.uuid4().hex, "created": now(), **design}
            db.executemany(
                "INSERT INTO design VALUES (?, ?)",
                [(key, json.dumps(value, ensure_ascii=False)) for key, value in values.items()],
            )
        ledger.plan(runs)
        return ledger

    @classmethod
    def open(cls, path: Path) -> Ledger:
        """Open an existing ledger.

        Raises:
            LedgerError: it is missing, no ledger, or written by a newer droplab.
        """
        if not path.is_file():
            raise LedgerError(f"there is no ledger at {path}; `droplab compare --out DIR` makes one")
        ledger = cls(path, _connect(path))
        with ledger._reading() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise LedgerError(
                    f"{path} has ledger version {version}; this droplab reads up to {SCHEMA_VERSION}. "
                    "Upgrade it: pip install --upgrade droplab"
                )
            if version < 1:
                raise LedgerError(f"{path} is an SQLite file but no droplab ledger")
        if version < SCHEMA_VERSION:
            with ledger._writing() as db:
                db.executescript(f"BEGIN; {_PREDICTIONS} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        return ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the write-ahead log is folded in."""
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._db:
                yield self._db
        except sqlite3.Error as problem:
            raise LedgerError(
                f"the ledger {self.path} cannot be written: {problem}. All finished epochs are kept; "
                "make room or mend the permissions, then run the same command again."
            ) from problem

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._db
        except sqlite3.Error as problem:
            raise LedgerError(f"the ledger {self.path} cannot be read: {problem}") from problem

    # design -------------------------------------------------------------------------------------

    def design(self) -> dict[str, Any]:
        """All design values by key."""
        with self._reading() as db:
            return {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM design")}

    def set_design(self, key: str, value: Any) -> None:
        """Replace one design value (the seeds of an enlarged experiment)."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO design VALUES (?, ?)", (key, json.dumps(value, ensure_ascii=False)))

    def add_environment(self, detail: Mapping[str, Any]) -> None:
        """Record the environment of a session that works on the experiment."""
        with self._writing() as db:
            db.execute("INSERT INTO environments (time, detail) VALUES (?, ?)", (now(), json.dumps(detail)))

    def environments(self) -> list[dict[str, Any]]:
        """The environments of all sessions, oldest first."""
        with self._reading() as db:
            return [json.loads(row[0]) for row in db.execute("SELECT detail FROM environments ORDER BY id")]

    # runs ---------------------------------------------------------------------------------------

    def plan(self, runs: list[RunKey]) -> None:
        """Add planned runs; those that exist stay as they are."""
        with self._writing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO runs (arm, seed, state) VALUES (?, ?, 'planned')",
                [(key.arm, key.seed) for key in runs],
            )

    def run_id(self, key: RunKey) -> int:
        """The row of a run; also the name of its checkpoint folder."""
        with self._reading() as db:
            row = db.execute("SELECT id FROM runs WHERE arm = ? AND seed = ?", (key.arm, key.seed)).fetchone()
        if row is None:
            raise LedgerError(f"{self.path} has no run {key}")
        return int(row[0])

    def set_state(self, key: RunKey, state: str, reason: str = "", *, retry: bool = True) -> None:
        """Move a run to a state; the change is an event too."""
        column = "started" if state == "running" else "ended"
        with self._writing() as db:
            db.execute(
                f"UPDATE runs SET state = ?, reason = ?, retry = ?, {column} = ? WHERE arm = ? AND seed = ?",  # noqa: S608  # one of two literals
                (state, reason, int(retry), now(), key.arm, key.seed),
            )
            self._event(db, f"run {state}", key, {"reason": reason} if reason else {})

    def commit_epoch(self, key: RunKey, measurement: Measurement) -> None:
        """Write one epoch, replacing what an earlier try at the same epoch wrote."""
        run, epoch = self.run_id(key), measurement.epoch
        with self._writing() as db:
            db.execute("DELETE FROM metrics WHERE run = ? AND epoch = ?", (run, epoch))
            db.execute("DELETE FROM histograms WHERE run = ? AND epoch = ?", (run, epoch))
            db.executemany(
                "INSERT INTO metrics VALUES (?, ?, ?, ?)",
                [(run, epoch, name, value) for name, value in measurement.metrics.items()],
            )
            db.executemany(
                "INSERT INTO histograms VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(run, epoch, h.kind, h.layer, h.low, h.high, _pack(h.counts)) for h in measurement.histograms],
            )
            if measurement.predictions is not None:
                classes, confidence = measurement.predictions
                db.execute(
                    "INSERT OR REPLACE INTO predictions VALUES (?, ?, ?, ?)",
                    (run, epoch, array("H", classes).tobytes(), array("f", confidence).tobytes()),
                )

    def epochs_done(self, key: RunKey) -> int:
        """Epochs whose metrics are in the ledger."""
        with self._reading() as db:
            row = db.execute(
                "SELECT MAX(epoch) FROM metrics WHERE run = (SELECT id FROM runs WHERE arm = ? AND seed = ?)",
                (key.arm, key.seed),
            ).fetchone()
        return 0 if row[0] is None else int(row[0]) + 1

    def open_runs(self) -> list[RunKey]:
        """Runs still to be carried out: not done, and not failed for a reason that would come again."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT arm, seed FROM runs WHERE state != 'done' AND (state != 'failed' OR retry) ORDER BY id"
            )
            return [RunKey(arm, seed) for arm, seed in rows]

    # events -------------------------------------------------------------------------------------

    def event(self, kind: str, run: RunKey | None = None, **detail: Any) -> None:
        """Append a line to the history."""
        with self._writing() as db:
            self._event(db, kind, run, detail)

    def _event(self, db: sqlite3.Connection, kind: str, run: RunKey | None, detail: Mapping[str, Any]) -> None:
        db.execute(
            "INSERT INTO events (time, kind, run, detail) VALUES (?, ?, ?, ?)",
            (now(), kind, None if run is None else self.run_id(run), json.dumps(detail, ensure_ascii=False)),
        )

    # reading ------------------------------------------------------------------------------------

    def histograms(self, key: RunKey) -> dict[int, tuple[Histogram, ...]]:
        """A run's histograms by epoch."""
        found: dict[int, list[Histogram]] = {}
        with self._reading() as db:
            rows = db.execute(
                "SELECT epoch, kind, layer, low, high, counts FROM histograms "
                "WHERE run = ? ORDER BY epoch, layer, kind",
                (self.run_id(key),),
            )
            for epoch, kind, layer, low, high, counts in rows:
                found.setdefault(epoch, []).append(Histogram(kind, layer, low, high, _unpack(counts)))
        return {epoch: tuple(items) for epoch, items in found.items()}

    def progress(self) -> dict[RunKey, tuple[str, str, int]]:
        """State, reason and epochs done of every run; cheap enough to ask every second."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT arm, seed, state, reason, "
                "(SELECT COALESCE(MAX(epoch) + 1, 0) FROM metrics WHERE run = runs.id) FROM runs ORDER BY id"
            )
            return {RunKey(arm, seed): (state, reason, done) for arm, seed, state, reason, done in rows}

    def measurement(self, key: RunKey, epoch: int) -> Measurement:
        """What one epoch of a run measured, without its predictions."""
        run = self.run_id(key)
        with self._reading() as db:
            metrics = db.execute("SELECT name, value FROM metrics WHERE run = ? AND epoch = ?", (run, epoch))
            histograms = db.execute(
                "SELECT kind, layer, low, high, counts FROM histograms WHERE run = ? AND epoch = ? "
                "ORDER BY layer, kind",
                (run, epoch),
            )
            return Measurement(
                epoch,
                {name: math.nan if value is None else value for name, value in metrics},
                tuple(Histogram(kind, layer, low, high, _unpack(raw)) for kind, layer, low, high, raw in histograms),
            )

    def predictions(self, key: RunKey) -> Predictions | None:
        """What a run's last epoch predicted for the validation set; ``None`` before it, or in old ledgers."""
        with self._reading() as db:
            row = db.execute(
                "SELECT classes, confidence FROM predictions WHERE run = ?", (self.run_id(key),)
            ).fetchone()
        if row is None:
            return None
        classes, confidence = array("H"), array("f")
        classes.frombytes(row[0])
        confidence.frombytes(row[1])
        return Predictions(tuple(classes), tuple(confidence))

    def read(self) -> ExperimentRecord:
        """Everything that analysis and report need, in one go."""
        design = self.design()
        with self._reading() as db:
            ids: dict[int, RunKey] = {}
            states: dict[RunKey, tuple[str, str]] = {}
            for run, arm, seed, state, reason in db.execute(
                "SELECT id, arm, seed, state, reason FROM runs ORDER BY id"
            ):
                ids[run] = RunKey(arm, seed)
                states[ids[run]] = (state, reason)
            values: dict[RunKey, dict[str, dict[int, float]]] = {key: {} for key in states}
            for run, epoch, name, value in db.execute("SELECT run, epoch, name, value FROM metrics"):
                values[ids[run]].setdefault(name, {})[epoch] = math.nan if value is None else value
            events = tuple(
                Event(time, kind, None if run is None else ids[run], json.loads(detail))
                for time, kind, run, detail in db.execute("SELECT time, kind, run, detail FROM events ORDER BY id")
            )
        runs = {key: _run_record(key, *states[key], values[key]) for key in states}
        spec = design["spec"]
        return ExperimentRecord(
            name=spec["name"],
            experiment_id=design["experiment_id"],
            spec=spec,
            arms=tuple(arm["name"] for arm in spec["arms"]),
            baseline=spec["baseline"] or spec["arms"][0]["name"],
            seeds=tuple(spec["seeds"]),
            epochs=spec["recipe"]["epochs"],
            runs=runs,
            sizes=design["sizes"],
            shape=tuple(design.get("shape", ())),
            test_openings=sum(event.kind == "test set opened" for event in events),
            looks=sum(event.kind == "seeds enlarged" for event in events),
            events=events,
        )


def _run_record(key: RunKey, state: str, reason: str, values: dict[str, dict[int, float]]) -> RunRecord:
    done = 1 + max((epoch for series in values.values() for epoch in series), default=-1)
    metrics = {
        name: tuple(series.get(epoch, math.nan) for epoch in range(done)) for name, series in sorted(values.items())
    }
    return RunRecord(key, state, done, reason, metrics)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=30.0)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error as problem:
        raise LedgerError(f"the ledger {path} cannot be opened: {problem}") from problem
    return connection


def _pack(counts: tuple[int, ...]) -> bytes:
    return array("I", counts).tobytes()


def _unpack(raw: bytes) -> tuple[int, ...]:
    counts = array("I")
    counts.frombytes(raw)
    return tuple(counts)


def read_experiment(folder: Path) -> ExperimentRecord:
    """What the ledger of a folder holds, finished or not.

    Raises:
        UserError: the folder has no ledger.
        LedgerError: the ledger cannot be read.
    """
    with open_experiment(folder) as ledger:
        return ledger.read()


def open_experiment(folder: Path) -> Ledger:
    """The open ledger of a folder.

    Raises:
        UserError: the folder has no ledger.
        LedgerError: the ledger cannot be read.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise UserError(f"{folder} holds no experiment (no {FILE_NAME} in it); `droplab compare` makes one")
    return Ledger.open(path)
