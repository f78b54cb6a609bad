"""The tables, and what older versions lack.

====  =====================================================================
1     design, runs, metrics, histograms, events, environments
2     predictions
3     seals: ``seals`` of whole tables, ``epoch_seals`` of what runs measured
4     folds and samples, and their seals
====  =====================================================================
"""

from __future__ import annotations

import sqlite3

from droplab.records import RUN_STATES

SCHEMA_VERSION = 4
SEALED_SINCE = 3
FOLDS_SINCE = 4

_FIRST = f"""
CREATE TABLE design (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, arm TEXT NOT NULL, seed INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN {RUN_STATES}),
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
_SECOND = """
CREATE TABLE IF NOT EXISTS predictions (
    run INTEGER PRIMARY KEY REFERENCES runs (id), epoch INTEGER NOT NULL,
    classes BLOB NOT NULL, confidence BLOB NOT NULL
);
"""
_THIRD = """
CREATE TABLE seals (part TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE epoch_seals (
    run INTEGER NOT NULL, epoch INTEGER NOT NULL,
    metrics BLOB NOT NULL, histograms BLOB NOT NULL, predictions BLOB NOT NULL,
    PRIMARY KEY (run, epoch)
) WITHOUT ROWID;
"""
_FOURTH = """
CREATE TABLE folds (
    run INTEGER NOT NULL REFERENCES runs (id), epoch INTEGER NOT NULL, name TEXT NOT NULL, pairs BLOB NOT NULL,
    PRIMARY KEY (run, epoch, name)
) WITHOUT ROWID;
CREATE TABLE samples (
    run INTEGER NOT NULL REFERENCES runs (id), epoch INTEGER NOT NULL, name TEXT NOT NULL,
    best INTEGER NOT NULL, ids BLOB NOT NULL, figures BLOB NOT NULL,
    PRIMARY KEY (run, epoch, name)
) WITHOUT ROWID;
ALTER TABLE epoch_seals ADD COLUMN folds BLOB NOT NULL DEFAULT X'';
ALTER TABLE epoch_seals ADD COLUMN samples BLOB NOT NULL DEFAULT X'';
"""


def make_tables(db: sqlite3.Connection) -> None:
    """All tables of the present version, in the caller's transaction."""
    _each(db, _FIRST + _SECOND + _THIRD + _FOURTH)


def add_tables(db: sqlite3.Connection) -> None:
    """What a ledger of an older version lacks, in the caller's transaction."""
    _each(db, _FOURTH if version(db) >= SEALED_SINCE else _SECOND + _THIRD + _FOURTH)


def _each(db: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";"):  # executescript would commit
        if statement.strip():
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def tables(db: sqlite3.Connection) -> set[str]:
    """Names of the tables that are there."""
    return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def version(db: sqlite3.Connection) -> int:
    """The version of the tables; 0 where SQLite has been told of none."""
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    return found
