"""Digests written beside the rows and compared when they are read: a flipped bit on a disk does not become a figure.

A small table that changes row by row (``PARTS``) has one seal: the sum of its rows' digests modulo 2^128, so
that a change takes the old row's digest away and adds the new one's, and a row that is lost is missed. What a
run measured has seals of its own for each epoch, made anew with it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from droplab.ledger.schema import FOLDS_SINCE, SEALED_SINCE, version

PARTS = ("design", "runs", "events", "environments")
_MODULUS = 2**128

_METRICS = "SELECT run, epoch, name, value FROM metrics"
_HISTOGRAMS = "SELECT run, epoch, kind, layer, low, high, counts FROM histograms"
_PREDICTIONS = "SELECT run, epoch, classes, confidence FROM predictions"
_FOLDS = "SELECT run, epoch, name, pairs FROM folds"
_SAMPLES = "SELECT run, epoch, name, best, ids, figures FROM samples"
_QUERIES = {
    "metrics": (_METRICS, "run, epoch, name"),
    "histograms": (_HISTOGRAMS, "run, epoch, kind, layer"),
    "predictions": (_PREDICTIONS, "run"),
    "folds": (_FOLDS, "run, epoch, name"),
    "samples": (_SAMPLES, "run, epoch, name"),
}


def digest(rows: Iterable[tuple[Any, ...]]) -> bytes:
    """16 bytes from rows as SQLite gives them, in their order.

    >>> digest([("a", 1.0)]) == digest([("a", 1.0)]), digest([("a", 1.0)]) == digest([("a", 2.0)])
    (True, False)
    """
    found, blobs = hashlib.blake2b(digest_size=16), []
    plain = []
    for row in rows:
        blobs += [value for value in row if isinstance(value, bytes)]
        plain.append(tuple(len(value) if isinstance(value, bytes) else value for value in row))
    found.update(repr(plain).encode("utf-8", "surrogatepass"))
    for blob in blobs:
        found.update(blob)
    return found.digest()


def _digest_of(table: str, rows: list[tuple[Any, ...]]) -> bytes:
    """``digest``, sooner where it is known which column holds bytes."""
    if table == "metrics":
        return hashlib.blake2b(repr(rows).encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if table == "folds":
        with suppress(TypeError):  # a value that is no blob is none of ours
            plain = [(run, epoch, name, len(pairs)) for run, epoch, name, pairs in rows]
            found = hashlib.blake2b(repr(plain).encode("utf-8", "surrogatepass"), digest_size=16)
            found.update(b"".join([row[3] for row in rows]))
            return found.digest()
    return digest(rows)


def total(rows: Iterable[tuple[Any, ...]]) -> int:
    """Sum of the rows' digests, whatever their order."""
    return sum(int.from_bytes(digest([row]), "big") for row in rows) % _MODULUS


def _stored(db: sqlite3.Connection, part: str) -> int | None:
    row = db.execute("SELECT digest FROM seals WHERE part = ?", (part,)).fetchone()
    return None if row is None else int.from_bytes(row[0], "big")


def _store(db: sqlite3.Connection, part: str, value: int) -> None:
    sealed = (value % _MODULUS).to_bytes(16, "big")
    db.execute("INSERT OR REPLACE INTO seals VALUES (?, ?)", (part, sealed))


@contextmanager
def kept(db: sqlite3.Connection, part: str, where: str = "1", values: tuple[Any, ...] = ()) -> Iterator[None]:
    """Around a change of those rows of a part: its seal follows."""
    query = f"SELECT * FROM {part} NOT INDEXED WHERE {where}"  # noqa: S608  # both are our own literals
    before = total(db.execute(query, values))
    yield
    _store(db, part, (_stored(db, part) or 0) + total(db.execute(query, values)) - before)


def appended(db: sqlite3.Connection, part: str, row_id: int | None) -> None:
    """After a row was added to a part: its seal follows."""
    rows = db.execute(f"SELECT * FROM {part} WHERE id = ?", (row_id,))  # noqa: S608  # our own literal
    _store(db, part, (_stored(db, part) or 0) + total(rows))


def holds(db: sqlite3.Connection, part: str) -> bool:
    """Whether a part is what was written; before version 3 nobody knows."""
    if version(db) < SEALED_SINCE:
        return True
    return _stored(db, part) == total(db.execute(f"SELECT * FROM {part} NOT INDEXED"))  # noqa: S608  # as above


def seal_epoch(db: sqlite3.Connection, run: int, epoch: int) -> None:
    """Seal what is in the tables for one epoch of a run."""
    found = [
        digest(db.execute(f"{query} WHERE run = ? AND epoch = ? ORDER BY {order}", (run, epoch)))
        for query, order in _QUERIES.values()
    ]
    db.execute("INSERT OR REPLACE INTO epoch_seals VALUES (?, ?, ?, ?, ?, ?, ?)", (run, epoch, *found))


def seal_added(db: sqlite3.Connection) -> None:
    """Seal what a ledger did not have before version 4: nothing."""
    db.execute("UPDATE epoch_seals SET folds = ?, samples = ?", (digest(()), digest(())))


def seal_all(db: sqlite3.Connection) -> None:
    """Seal a ledger that has none, as it is."""
    for part in PARTS:
        _store(db, part, total(db.execute(f"SELECT * FROM {part} NOT INDEXED")))  # noqa: S608  # as above
    for run, epoch in db.execute("SELECT DISTINCT run, epoch FROM metrics").fetchall():
        seal_epoch(db, run, epoch)


class Sealed(NamedTuple):
    """The rows of one epoch of a run in one table, and whether they are what was written."""

    run: int
    epoch: int
    rows: list[tuple[Any, ...]]
    """As the table's query gives them, run and epoch first."""
    whole: bool


def sealed(
    db: sqlite3.Connection, table: str, run: int | None = None, epoch: int | None = None, *, first: int | None = None
) -> Iterator[Sealed]:
    """What a table of what runs measured holds, epoch by epoch, compared with the seals.

    Args:
        db: an open ledger; before version 3 nothing is compared.
        table: which.
        run: only this run.
        epoch: only this epoch.
        first: only this epoch and those after it.
    """
    query, order = _QUERIES[table]
    if version(db) < FOLDS_SINCE and table in {"folds", "samples"}:
        return
    wanted = {"run": run, "epoch": epoch, "first": first}
    tests = {"run": "run = :run", "epoch": "epoch = :epoch", "first": "epoch >= :first"}
    asked = [test for name, test in tests.items() if wanted[name] is not None]
    only = f" WHERE {' AND '.join(asked)}" if asked else ""
    seals: dict[tuple[int, int], bytes] | None = None
    if version(db) >= SEALED_SINCE:
        found = db.execute(f"SELECT run, epoch, {table} FROM epoch_seals{only}", wanted)  # noqa: S608  # our own literals
        seals = {(number, place): digest for number, place, digest in found}
    rows = db.execute(f"{query}{only} ORDER BY {order}", wanted)
    for (number, place), group in groupby(rows, key=itemgetter(0, 1)):
        held = list(group)
        yield Sealed(number, place, held, seals is None or seals.pop((number, place), None) == _digest_of(table, held))
    nothing = digest(())
    for (number, place), missing in (seals or {}).items():
        if missing != nothing:
            yield Sealed(number, place, [], whole=False)
