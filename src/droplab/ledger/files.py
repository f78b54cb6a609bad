"""The file under a ledger: made whole or not at all, opened for writing, or read wherever it lies."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from droplab.errors import LedgerError
from droplab.ledger.schema import FOLDS_SINCE, SCHEMA_VERSION, SEALED_SINCE, tables, version

FILE_NAME = "ledger.sqlite"
_PATIENCE_SECONDS = 30.0
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What a damaged file ends in; SQLite's own message may quote bytes of it that are no text."""
_SIDE_FILES = ("-wal", "-shm", "-journal", "-read")


def exists(path: Path) -> bool:
    """Whether a ledger is at ``path``; an SQLite file in which nothing was ever written is none.

    Such files are what a kill or a full disk left where ledgers were not yet made in one step.

    Raises:
        LedgerError: something is there, and it is no SQLite file.
    """
    if not path.is_file():
        return False
    db = read_connection(path)
    with closing(db):
        try:
            return bool(version(db) or tables(db))
        except UNREADABLE as problem:
            raise LedgerError(f"the ledger {path} cannot be read: {problem}") from problem


def make(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """A new ledger, filled beside its place and put there by a rename: whoever looks finds all of it or none.

    Raises:
        LedgerError: it cannot be written; nothing is at ``path`` then.
    """
    partial = path.with_name(f"{path.name}.new")
    try:
        _remove(partial)
        with closing(sqlite3.connect(partial, isolation_level=None)) as db:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            fill(db)
            db.execute("COMMIT")
        _remove(path)  # a file without tables, see `exists`, and what lay beside it
        partial.replace(path)
        _flush_folder(path.parent)
    except (sqlite3.Error, OSError) as problem:
        with suppress(OSError):
            _remove(partial)
        raise LedgerError(
            f"the ledger {path} cannot be made: {problem}. Nothing was begun; make room or mend the permissions, "
            "then run the same command again."
        ) from problem


def _remove(path: Path) -> None:
    for end in ("", *_SIDE_FILES):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    with suppress(OSError):  # not every system lets a folder be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_connection(path: Path) -> sqlite3.Connection:
    """A connection for the process that writes.

    Raises:
        LedgerError: it cannot be opened for writing.
    """
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE_SECONDS)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
    except UNREADABLE as problem:
        raise LedgerError(f"the ledger {path} cannot be opened: {problem}") from problem
    return db


def read_connection(path: Path) -> sqlite3.Connection:
    """A connection for reading, also from storage that cannot be written: an archive, a read-only volume.

    SQLite wants to make a file beside a ledger in WAL mode even to read it. Where it may not, and the ledger
    was closed properly, it is read as a file that does not change; otherwise a copy is, with the commits
    that are still in its write-ahead log.

    Raises:
        LedgerError: it cannot be opened.
    """
    where = path.absolute().as_uri()
    try:
        try:
            return _tried(f"{where}?mode=rw")
        except sqlite3.OperationalError:
            if _size(path.with_name(f"{path.name}-wal")):
                return _copied(path)
            return _tried(f"{where}?mode=ro&immutable=1")
    except (*UNREADABLE, OSError) as problem:
        raise LedgerError(f"the ledger {path} cannot be opened: {problem}") from problem


def _tried(uri: str) -> sqlite3.Connection:
    db = sqlite3.connect(uri, uri=True, timeout=_PATIENCE_SECONDS)
    try:
        db.execute("PRAGMA query_only = ON")
        db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _copied(path: Path) -> sqlite3.Connection:
    """All of a ledger and its write-ahead log, in memory."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        for end in ("", "-wal"):
            shutil.copyfile(path.with_name(path.name + end), copy.with_name(copy.name + end))
        memory = sqlite3.connect(":memory:")
        with closing(_tried(f"{copy.as_uri()}?mode=rw")) as db:
            db.backup(memory)
    memory.execute("PRAGMA query_only = ON")
    return memory


def is_settled(path: Path) -> bool:
    """Whether the file alone holds all that is committed."""
    return not _size(path.with_name(f"{path.name}-wal")) and not _size(path.with_name(f"{path.name}-journal"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another at the same path; ``None`` where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def check_version(db: sqlite3.Connection, path: Path) -> None:
    """Raise ``LedgerError`` where a file is no ledger, or one of another version than its tables."""
    found, there = version(db), tables(db)
    if found > SCHEMA_VERSION:
        raise LedgerError(
            f"{path} has ledger version {found}; this droplab reads up to {SCHEMA_VERSION}. "
            "Upgrade it: pip install --upgrade droplab"
        )
    if found < 1 or "design" not in there:
        raise LedgerError(f"{path} is an SQLite file but no droplab ledger")
    if (found >= SEALED_SINCE) != ("epoch_seals" in there) or (found >= FOLDS_SINCE) != ("folds" in there):
        raise damaged(path, "its version and its tables do not fit")


def damaged(path: Path, what: str) -> LedgerError:
    """The error for a ledger that is not what was written."""
    return LedgerError(
        f"the ledger {path} is damaged: {what}. Put a copy of it back if there is one, or start anew with --fresh."
    )
