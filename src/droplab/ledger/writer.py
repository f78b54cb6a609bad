"""The ledger of the one process that writes it."""

from __future__ import annotations

import math
import sqlite3
import uuid
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, final

from droplab.errors import LedgerError
from droplab.ledger.files import exists, identity, make, write_connection
from droplab.ledger.packing import packed_pairs, packed_samples
from droplab.ledger.reader import OpenLedger
from droplab.ledger.remembered import fingerprint, remember
from droplab.ledger.schema import SCHEMA_VERSION, SEALED_SINCE, add_tables, make_tables, version
from droplab.ledger.seals import appended, kept, seal_added, seal_all, seal_epoch
from droplab.ledger.text import now, to_json, writable
from droplab.records import Measurement, Notice, RunKey


@final
class Ledger(OpenLedger):
    """An open ledger that can be written too. Use ``create`` or ``open``; close it, or use it in a ``with``.

    Every method raises ``LedgerError`` where SQLite cannot read or write (a full disk, missing
    permissions, a damaged file) or where the file is no longer at its place; what was committed before stays.
    Each method is one transaction.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._identity = identity(path)

    @classmethod
    def create(
        cls,
        path: Path,
        design: Mapping[str, Any],
        runs: list[RunKey],
        environment: Mapping[str, Any] | None = None,
    ) -> Ledger:
        """Write a new ledger for a design, its planned runs and the environment of the first session, all or nothing.

        Args:
            path: no ledger may be there.
            design: JSON-ready values by key; an ``experiment_id`` is added.
            runs: in the order in which they should be carried out.
            environment: what the session runs on.
        """
        if exists(path):
            raise LedgerError(f"{path} exists already; a ledger is never overwritten")
        values = {"experiment_id": uuid.uuid4().hex, "created": now(), **design}

        def fill(db: sqlite3.Connection) -> None:
            make_tables(db)
            db.executemany("INSERT INTO design VALUES (?, ?)", [(key, to_json(value)) for key, value in values.items()])
            _add_runs(db, runs)
            if environment is not None:
                _add_environment(db, environment)
            seal_all(db)

        make(path, fill)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing ledger; one of an older version gets what it lacks.

        Raises:
            LedgerError: it is missing, no ledger, written by a newer droplab, or cannot be written.
        """
        ledger = cls(path, cls._opened(path))
        if version(ledger._db) < SCHEMA_VERSION:
            with ledger._writing() as db:
                sealed = version(db) >= SEALED_SINCE
                add_tables(db)
                if sealed:
                    seal_added(db)
                else:
                    seal_all(db)
        ledger.fold()
        return ledger

    @classmethod
    def _connect(cls, path: Path) -> sqlite3.Connection:
        return write_connection(path)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self.check_place()
        self._found = None
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
        except sqlite3.Error as problem:
            raise LedgerError(
                f"the ledger {self.path} cannot be written: {problem}. All finished epochs are kept; "
                "make room or mend the permissions, then run the same command again."
            ) from problem

    def close(self) -> None:
        """Close the file; what was read of it since the last change need not be checked again."""
        super().close()
        if self._found is not None and identity(self.path) == self._identity:
            remember(self.path, fingerprint(self.path), self._found)

    def check_place(self) -> None:
        """See that the file is still where it was opened.

        Raises:
            LedgerError: it was deleted, moved or replaced meanwhile.
        """
        found = identity(self.path)
        if found == self._identity:
            return
        raise LedgerError(
            f"the ledger {self.path} was {'deleted or moved' if found is None else 'replaced'} while the experiment "
            "ran, and nothing more can be kept in it. Where the folder was moved, run the same command with --out "
            "and its new place to continue; where it was deleted, what was measured is lost."
        )

    def fold(self) -> None:
        """Fold the write-ahead log into the file, so that the file alone holds everything that is committed.

        A reader that is at work meanwhile only delays it until the next time.
        """
        with suppress(sqlite3.Error):  # on a full disk the log keeps what it has
            self._db.execute("PRAGMA busy_timeout = 1000")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._db.execute("PRAGMA busy_timeout = 30000")

    # design -------------------------------------------------------------------------------------

    def set_design(self, key: str, value: Any) -> None:
        """Replace one design value."""
        with self._writing() as db:
            _set_design(db, key, value)

    def rename(self, name: str) -> None:
        """Show the experiment under another name; an event says so. Its spec keeps the one that it began with."""
        design = self.design()
        before = design.get("renamed", design["spec"]["name"])
        with self._writing() as db:
            _set_design(db, "renamed", name)
            self._event(db, "experiment renamed", None, {"before": before, "after": name})

    def add_environment(self, detail: Mapping[str, Any]) -> None:
        """Record the environment of a session that works on the experiment."""
        with self._writing() as db:
            _add_environment(db, detail)

    # runs ---------------------------------------------------------------------------------------

    def add_runs(self, runs: list[RunKey]) -> None:
        """Add planned runs; those that exist stay as they are."""
        if all(RunKey(writable(key.arm), key.seed) in self._known() for key in runs):
            return
        with self._writing() as db, kept(db, "runs"):
            _add_runs(db, runs)

    def _known(self) -> dict[RunKey, int]:
        if not self._ids:
            with self._reading() as db:
                self._runs(db)
        return self._ids

    def enlarge(self, seeds: list[int], runs: list[RunKey], arms: Sequence[Mapping[str, Any]] = ()) -> None:
        """Add seeds or arms to the experiment: the spec, its runs, and, where runs are done, the event that says so.

        Args:
            seeds: new ones.
            runs: all that are wanted now.
            arms: new ones, as a spec has them.
        """
        spec = self.design()["spec"]
        before = list(spec["seeds"])
        looked = any(state == "done" for state, *_ in self.progress().values())
        with self._writing() as db:
            if looked and seeds:
                self._event(db, "seeds enlarged", None, {"before": before, "added": seeds})
            if looked and arms:
                self._event(db, "arms added", None, {"added": [arm["name"] for arm in arms]})
            _set_design(db, "spec", {**spec, "seeds": [*before, *seeds], "arms": [*spec["arms"], *arms]})
            with kept(db, "runs"):
                _add_runs(db, runs)

    def set_state(self, key: RunKey, state: str, reason: str = "", *, retry: bool = True) -> None:
        """Move a run to a state; the change is an event too."""
        run, column = self.run_id(key), "started" if state == "running" else "ended"
        with self._writing() as db:
            with kept(db, "runs", "id = ?", (run,)):
                db.execute(
                    f"UPDATE runs SET state = ?, reason = ?, retry = ?, {column} = ? WHERE id = ?",  # noqa: S608  # one of two literals
                    (state, writable(reason), int(retry), now(), run),
                )
            self._event(db, f"run {state}", key, {"reason": reason} if reason else {})

    def commit_epoch(self, key: RunKey, measurement: Measurement) -> None:
        """Write one epoch, replacing what an earlier try at the same epoch wrote."""
        run, epoch = self.run_id(key), measurement.epoch
        with self._writing() as db:
            db.execute("DELETE FROM metrics WHERE run = ? AND epoch = ?", (run, epoch))
            db.execute("DELETE FROM histograms WHERE run = ? AND epoch = ?", (run, epoch))
            db.execute("DELETE FROM folds WHERE run = ? AND epoch = ?", (run, epoch))
            db.executemany(
                "INSERT INTO folds VALUES (?, ?, ?, ?)",
                [(run, epoch, writable(name), packed_pairs(pairs)) for name, pairs in measurement.folds.items()],
            )
            db.executemany(
                "INSERT INTO metrics VALUES (?, ?, ?, ?)",
                [(run, epoch, writable(name), _storable(value)) for name, value in measurement.metrics.items()],
            )
            db.executemany(
                "INSERT INTO histograms VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (run, epoch, h.kind, writable(h.layer), h.low, h.high, array("I", h.counts).tobytes())
                    for h in measurement.histograms
                ],
            )
            if measurement.predictions is not None:
                before = db.execute("SELECT epoch FROM predictions WHERE run = ?", (run,)).fetchone()
                classes, confidence = measurement.predictions
                width = "I" if max(classes, default=0) > 0xFFFF else "H"
                db.execute(
                    "INSERT OR REPLACE INTO predictions VALUES (?, ?, ?, ?)",
                    (run, epoch, array(width, classes).tobytes(), array("f", confidence).tobytes()),
                )
                if before is not None and before[0] != epoch:
                    seal_epoch(db, run, before[0])
            _put_samples(db, run, measurement)
            seal_epoch(db, run, epoch)

    def forget(self, key: RunKey, reason: str = "what it had measured was damaged") -> None:
        """Remove all that a run measured, and plan it anew; an event says so."""
        run = self.run_id(key)
        with self._writing() as db:
            for table in ("metrics", "histograms", "predictions", "folds", "samples", "epoch_seals"):
                db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))  # noqa: S608  # one of six literals
            with kept(db, "runs", "id = ?", (run,)):
                db.execute("UPDATE runs SET state = 'planned', reason = '', retry = 1 WHERE id = ?", (run,))
            self._event(db, "run forgotten", key, {"reason": reason})

    # events -------------------------------------------------------------------------------------

    def event(self, kind: str, run: RunKey | None = None, **detail: Any) -> None:
        """Append a line to the history."""
        with self._writing() as db:
            self._event(db, kind, run, detail)

    def notice(self, notice: Notice) -> bool:
        """Record a notice, unless it is there already; whether it was new."""
        detail: dict[str, Any] = {"code": notice.code, "arm": notice.arm, "detail": dict(notice.detail)}
        with self._writing() as db:
            known = db.execute("SELECT 1 FROM events WHERE kind = 'notice' AND detail = ?", (to_json(detail),))
            new = known.fetchone() is None
            if new:
                self._event(db, "notice", None, detail)
        return new

    def _event(self, db: sqlite3.Connection, kind: str, run: RunKey | None, detail: Mapping[str, Any]) -> None:
        added = db.execute(
            "INSERT INTO events (time, kind, run, detail) VALUES (?, ?, ?, ?)",
            (now(), writable(kind), None if run is None else self.run_id(run), to_json(detail)),
        )
        appended(db, "events", added.lastrowid)


def _put_samples(db: sqlite3.Connection, run: int, measurement: Measurement) -> None:
    """Those of the epoch, in the place of all that are neither the last nor the best."""
    epoch = measurement.epoch
    db.execute("DELETE FROM samples WHERE run = ? AND epoch = ?", (run, epoch))
    if not measurement.samples:
        return
    gone, values = "run = ? AND (best = 0 OR ?)", (run, int(measurement.best))
    others = db.execute(f"SELECT DISTINCT epoch FROM samples WHERE {gone}", values).fetchall()  # noqa: S608  # our own literal
    db.execute(f"DELETE FROM samples WHERE {gone}", values)  # noqa: S608  # as above
    for (other,) in others:
        seal_epoch(db, run, other)
    db.executemany(
        "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)",
        [
            (run, epoch, writable(name), int(measurement.best), *packed_samples(samples))
            for name, samples in measurement.samples.items()
        ],
    )


def _set_design(db: sqlite3.Connection, key: str, value: Any) -> None:
    with kept(db, "design", "key = ?", (key,)):
        db.execute("INSERT OR REPLACE INTO design VALUES (?, ?)", (key, to_json(value)))


def _add_environment(db: sqlite3.Connection, detail: Mapping[str, Any]) -> None:
    added = db.execute("INSERT INTO environments (time, detail) VALUES (?, ?)", (now(), to_json(detail)))
    appended(db, "environments", added.lastrowid)


def _add_runs(db: sqlite3.Connection, runs: list[RunKey]) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO runs (arm, seed, state) VALUES (?, ?, 'planned')",
        [(writable(key.arm), key.seed) for key in runs],
    )


def _storable(value: Any) -> float | None:
    """A real number as SQLite has it; NaN where there is none, as SQLite has no NaN of its own.

    >>> _storable(True), _storable(float("inf")), _storable(float("nan")), _storable(1j)
    (1.0, inf, None, None)
    """
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        return None
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    return None if math.isnan(number) else number
