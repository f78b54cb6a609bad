"""What a ledger holds, checked against its seals."""

from __future__ import annotations

import json
import sqlite3
import struct
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, final

from droplab.errors import LedgerError
from droplab.ledger.curves import NONE, Curves, by_run, extended, folds_of, metrics_of, number
from droplab.ledger.files import UNREADABLE, check_version, damaged, read_connection
from droplab.ledger.packing import unpacked_samples
from droplab.ledger.remembered import fingerprint, recall, remember
from droplab.ledger.seals import Sealed, holds, sealed
from droplab.ledger.text import writable
from droplab.measures import kept_measures
from droplab.records import (
    Event,
    ExperimentRecord,
    Histogram,
    Measurement,
    Notice,
    Predictions,
    RunKey,
    RunRecord,
    SampleValues,
)

_NOT_AS_WRITTEN = (ValueError, KeyError, TypeError, IndexError, OverflowError, AttributeError, struct.error)
"""What reading values that are not what was written ends in, where a ledger has no seals yet."""
_MEASURED = ("metrics", "histograms", "predictions", "folds", "samples")


class OpenLedger(ABC):
    """What can be read of an open ledger. Close it, or use it in a ``with``.

    Every method raises ``LedgerError`` where SQLite cannot read the file, or where what is read is not what
    was written.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection
        self._ids: dict[RunKey, int] = {}
        self._found: dict[int, Curves] | None = None
        """What was read, while nothing else was written."""

    @classmethod
    @abstractmethod
    def open(cls, path: Path) -> Self:
        """Open an existing ledger.

        Raises:
            LedgerError: it is missing, no ledger, or written by a newer droplab.
        """

    @classmethod
    @abstractmethod
    def _connect(cls, path: Path) -> sqlite3.Connection:
        """A connection for what the ledger is opened for."""

    @classmethod
    def _opened(cls, path: Path) -> sqlite3.Connection:
        if not path.is_file():
            raise LedgerError(f"there is no ledger at {path}; `droplab compare --out DIR` makes one")
        db = cls._connect(path)
        try:
            check_version(db, path)
        except UNREADABLE as problem:
            db.close()
            raise LedgerError(f"the ledger {path} cannot be read: {problem}") from problem
        except LedgerError:
            db.close()
            raise
        return db

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; where nobody else has it open, the write-ahead log is folded in."""
        self._db.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._db
        except sqlite3.Error as problem:
            raise LedgerError(f"the ledger {self.path} cannot be read: {problem}") from problem
        except _NOT_AS_WRITTEN as problem:
            raise damaged(self.path, f"what it holds cannot be read ({type(problem).__name__}: {problem})") from problem

    def _check(self, db: sqlite3.Connection, part: str) -> None:
        if not holds(db, part):
            raise damaged(self.path, f"its {part} are not what was written")

    # design and environments --------------------------------------------------------------------

    def design(self) -> dict[str, Any]:
        """All design values by key."""
        with self._reading() as db:
            self._check(db, "design")
            return {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM design")}

    def environments(self) -> list[dict[str, Any]]:
        """The environments of all sessions, oldest first."""
        with self._reading() as db:
            self._check(db, "environments")
            return [json.loads(row[0]) for row in db.execute("SELECT detail FROM environments ORDER BY id")]

    # runs ---------------------------------------------------------------------------------------

    def _runs(self, db: sqlite3.Connection) -> list[tuple[int, RunKey, str, str, bool]]:
        """Number, key, state, reason and retry of each; the table itself is read, as an index may rot too."""
        self._check(db, "runs")
        rows = db.execute("SELECT id, arm, seed, state, reason, retry FROM runs NOT INDEXED ORDER BY id").fetchall()
        found = [(number, RunKey(arm, seed), state, why, bool(retry)) for number, arm, seed, state, why, retry in rows]
        self._ids = {key: number for number, key, *_ in found}
        return found

    def run_id(self, key: RunKey) -> int:
        """The row of a run; also the name of its checkpoint folder."""
        found = RunKey(writable(key.arm), key.seed)
        if found not in self._ids:
            with self._reading() as db:
                self._runs(db)
        if found not in self._ids:
            raise LedgerError(f"{self.path} has no run {key}")
        return self._ids[found]

    def open_runs(self) -> list[RunKey]:
        """Runs still to be carried out: not done, and not failed for a reason that would come again."""
        with self._reading() as db:
            runs = self._runs(db)
        return [key for _, key, state, _, retry in runs if state != "done" and (state != "failed" or retry)]

    def epochs_done(self, key: RunKey) -> int:
        """Epochs whose metrics are in the ledger."""
        run = self.run_id(key)
        with self._reading() as db:
            row = db.execute("SELECT MAX(epoch) FROM metrics WHERE run = ?", (run,)).fetchone()
        return 0 if row[0] is None else int(row[0]) + 1

    def progress(self) -> dict[RunKey, tuple[str, str, int]]:
        """State, reason and epochs done of every run; cheap enough to ask every second."""
        with self._reading() as db:
            self._check(db, "runs")
            rows = db.execute(
                "SELECT arm, seed, state, reason, "
                "(SELECT COALESCE(MAX(epoch) + 1, 0) FROM metrics WHERE run = runs.id) "
                "FROM runs NOT INDEXED ORDER BY id"
            )
            return {RunKey(arm, seed): (state, reason, done) for arm, seed, state, reason, done in rows}

    # what runs measured -------------------------------------------------------------------------

    def damaged_runs(self) -> dict[RunKey, int]:
        """Runs of which something is not what was written: metrics, histograms, …; the first such epoch."""
        with self._reading() as db:
            keys = {number: key for number, key, *_ in self._runs(db)}
            found: dict[RunKey, int] = {}
            for part in (part for table in _MEASURED for part in sealed(db, table) if not part.whole):
                key = self._owner(keys, part)
                found[key] = min(found.get(key, part.epoch), part.epoch)
        return found

    def _owner(self, keys: dict[int, RunKey], part: Sealed) -> RunKey:
        if part.run not in keys:
            raise damaged(self.path, f"it has figures of a run {part.run} that it does not have")
        return keys[part.run]

    def _whole(self, parts: Iterable[Sealed], key: RunKey) -> Iterator[Sealed]:
        for part in parts:
            if not part.whole:
                raise self._not_whole({key: part.epoch})
            yield part

    def _not_whole(self, found: dict[RunKey, int]) -> LedgerError:
        named = [f"{key} from epoch {epoch + 1} on" for key, epoch in found.items()]
        more = f" and {len(named) - 5} more" if len(named) > 5 else ""
        return LedgerError(
            f"the ledger {self.path} is damaged: what was measured is not what was written for {', '.join(named[:5])}"
            f"{more}. The other runs are whole. Put a copy of the ledger back if there is one; otherwise "
            "`droplab compare` with the same spec forgets what is damaged and trains it again."
        )

    def histograms(self, key: RunKey) -> dict[int, tuple[Histogram, ...]]:
        """A run's histograms by epoch, ordered by layer and kind."""
        run = self.run_id(key)
        with self._reading() as db:
            return {part.epoch: _histograms(part.rows) for part in self._whole(sealed(db, "histograms", run), key)}

    def measurement(self, key: RunKey, epoch: int) -> Measurement:
        """What one epoch of a run measured, without its predictions."""
        run = self.run_id(key)
        with self._reading() as db:
            metrics = [row for part in self._whole(sealed(db, "metrics", run, epoch), key) for row in part.rows]
            if not metrics:
                raise LedgerError(f"the ledger {self.path} has no epoch {epoch + 1} of {key}")
            histograms = [row for part in self._whole(sealed(db, "histograms", run, epoch), key) for row in part.rows]
            return Measurement(epoch, {name: number(value) for *_, name, value in metrics}, _histograms(histograms))

    def predictions(self, key: RunKey) -> Predictions | None:
        """What a run's last epoch predicted for the validation set; ``None`` before it, or in old ledgers."""
        run = self.run_id(key)
        with self._reading() as db:
            for part in self._whole(sealed(db, "predictions", run), key):
                return _predictions(*part.rows[0][2:])
        return None

    def samples(self, key: RunKey) -> dict[int, dict[str, SampleValues]]:
        """Figures of each validation sample by epoch: a run's last one and its best one, where they are kept."""
        run = self.run_id(key)
        with self._reading() as db:
            return {
                part.epoch: {name: unpacked_samples(ids, values) for _, _, name, _, ids, values in part.rows}
                for part in self._whole(sealed(db, "samples", run), key)
            }

    def _curves(self, db: sqlite3.Connection, ids: dict[int, RunKey]) -> dict[int, Curves]:
        """Of every run, checked; or as they were when the very same file was."""
        known = fingerprint(self.path)
        found = recall(self.path, known)
        if found is None or found.keys() != ids.keys():
            found = self._measured(db, ids)
            remember(self.path, known, found)
        self._found = found
        return found

    def _measured(self, db: sqlite3.Connection, ids: dict[int, RunKey]) -> dict[int, Curves]:
        found, broken = dict.fromkeys(ids, NONE), dict[RunKey, int]()

        def whole(parts: list[Sealed]) -> bool:
            key = self._owner(ids, parts[0])
            at = [part.epoch for part in parts if not part.whole]
            if at:
                broken[key] = min(broken.get(key, at[0]), *at)
            return not at

        for run, parts in by_run(sealed(db, "metrics")):
            if whole(parts):
                found[run] = Curves(*metrics_of(parts), {})
        for run, parts in by_run(sealed(db, "folds")):
            if whole(parts):
                found[run] = found[run]._replace(folds=folds_of(parts, found[run].epochs))
        if broken:
            raise self._not_whole(broken)
        return found

    def _later(
        self, db: sqlite3.Connection, ids: dict[int, RunKey], same: Mapping[int, RunRecord]
    ) -> dict[int, Curves]:
        """Curves of every run, where those of some are known but for what has come since."""
        found: dict[int, Curves] = {}
        for run, key in ids.items():
            known = same.get(run)
            before = NONE if known is None else Curves(known.epochs_done, known.metrics, known.folds)
            if known is None or known.state == "running":
                new = (sealed(db, table, run, first=before.epochs) for table in ("metrics", "folds"))
                before = extended(before, *(self._whole(parts, key) for parts in new))
            found[run] = before
        return found

    def read(self, before: ExperimentRecord | None = None) -> ExperimentRecord:
        """Everything that analysis and report need, in one go.

        Args:
            before: what this ledger held when it was read last. A run is read again where an event tells of it, a
                running one from the epoch on that it had reached; records of runs that are as they were are the same
                objects.
        """
        design = self.design()
        if before is not None and before.experiment_id != design["experiment_id"]:
            before = None
        with self._reading() as db:
            rows = self._runs(db)
            ids = {number: key for number, key, *_ in rows}
            self._check(db, "events")
            events = tuple(
                Event(time, kind, None if run is None else ids[run], json.loads(detail))
                for time, kind, run, detail in db.execute("SELECT time, kind, run, detail FROM events ORDER BY id")
            )
            if before is not None and _told(before.events) != _told(events[: len(before.events)]):
                before = None  # a copy was put back
            same: dict[int, RunRecord] = {}
            if before is not None:
                told = {event.run for event in events[len(before.events) :]}
                same = {
                    run: known
                    for run, key, state, why, _ in rows
                    if key not in told
                    and (known := before.runs.get(key)) is not None
                    and (known.state, known.reason) == (state, why)
                }
            curves = self._curves(db, ids) if before is None else self._later(db, ids, same)
            spec = design["spec"]
            return ExperimentRecord(
                name=design.get("renamed", spec["name"]),
                experiment_id=design["experiment_id"],
                spec=spec,
                arms=tuple(arm["name"] for arm in spec["arms"]),
                baseline=spec["baseline"] or spec["arms"][0]["name"],
                seeds=tuple(spec["seeds"]),
                epochs=planned_epochs(design),
                runs={
                    key: same[run]
                    if run in same and same[run].epochs_done == curves[run].epochs
                    else RunRecord(key, state, *_in_order(why, curves[run]), retry=retry and state == "failed")
                    for run, key, state, why, retry in rows
                },
                sizes=design.get("sizes", {}),
                shape=tuple(design.get("shape", ())),
                test_openings=sum(event.kind == "test set opened" for event in events),
                looks=sum(event.kind == "seeds enlarged" for event in events),
                events=events,
                notices=tuple(Notice(**event.detail) for event in events if event.kind == "notice"),
                measures=kept_measures(design),
                endpoints=design.get("endpoints", {}),
            )


def _told(events: Sequence[Event]) -> list[tuple[str, str, RunKey | None]]:
    return [(event.time, event.kind, event.run) for event in events]


def planned_epochs(design: Mapping[str, Any]) -> int:
    """Epochs of every run; 0 where a loop of the user's own says how many, and none has said it yet."""
    if "loop" in design["spec"]:
        return int(design["epochs"])
    return int(design["spec"]["recipe"]["epochs"])


@final
class LedgerReader(OpenLedger):
    """An open ledger that is only read, on storage that can be written or not."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing ledger.

        Raises:
            LedgerError: it is missing, no ledger, or written by a newer droplab.
        """
        return cls(path, cls._opened(path))

    @classmethod
    def _connect(cls, path: Path) -> sqlite3.Connection:
        return read_connection(path)


def _in_order(reason: str, curves: Curves) -> tuple[int, str, Mapping[str, Any], Mapping[str, Any]]:
    return curves.epochs, reason, curves.metrics, curves.folds


def _histograms(rows: list[tuple[Any, ...]]) -> tuple[Histogram, ...]:
    """From rows of run, epoch, kind, layer, edges and counts."""
    found = (Histogram(kind, layer, low, high, _counts(raw)) for _, _, kind, layer, low, high, raw in rows)
    return tuple(sorted(found, key=lambda one: (one.layer, one.kind)))


def _counts(raw: bytes) -> tuple[int, ...]:
    counts = array("I")
    counts.frombytes(raw)
    return tuple(counts)


def _predictions(classes: bytes, confidence: bytes) -> Predictions:
    """Classes have two bytes each, or four where there are more than 65,536 of them."""
    shares = array("f")
    shares.frombytes(confidence)
    numbers = array("H" if len(classes) == 2 * len(shares) else "I")
    numbers.frombytes(classes)
    if len(numbers) != len(shares):
        raise ValueError(f"{len(numbers)} predicted classes and {len(shares)} confidences")
    return Predictions(tuple(numbers), tuple(shares))
