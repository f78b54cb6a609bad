"""One experiment that is watched: its ledger is read where it is new, and judged where runs have ended."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from droplab.analysis import Verdict, judge
from droplab.board.finding import identity
from droplab.board.pace import Pace
from droplab.board.parts import Parts
from droplab.board.rows import row, state_of
from droplab.board.stamp import Stamp, stamp
from droplab.errors import DroplabError, clip, plain
from droplab.languages import LANGUAGES
from droplab.ledger import FILE_NAME, open_experiment
from droplab.records import ChangedImages, ExperimentRecord, RunRecord
from droplab.report import page_source, render
from droplab.report.figures.plainly import verdict_markup
from droplab.report.page import lay_out
from droplab.report.payload import beside_runs, run_data

Translate = Callable[[str, str], str]
"""A message of droplab's, and a language."""
_BOOT = secrets.token_hex(4)
"""Versions of one process mean nothing to another."""
_SHARE = 0.02
"""Of one core, for a ledger that cannot be read: it is tried again, as a network drive may come back."""
_AGAIN_SECONDS = 5.0


class Watched:
    """An experiment's folder and what its readers were, and are to be, told.

    Its methods may be called from any thread: reading and judging each have a lock.

    Args:
        folder: with a ledger in it.
        lang: language in which its page opens.
        translate: an English message in another language.
    """

    def __init__(self, folder: Path, lang: str, translate: Translate) -> None:
        self.folder = folder
        self.id = identity(folder)
        self.record: ExperimentRecord | None = None
        self.seen = Stamp((), sure=False)
        self._lang = lang
        self._translate = translate
        self._verdict: Verdict | None = None
        self._judged: Any = None
        self._unread = self._unjudged = ""
        self._again = Pace(_SHARE, _AGAIN_SECONDS)
        self._paged: Any = None
        self._parts = Parts()
        self._reading, self._judging = threading.RLock(), threading.RLock()
        self._row: tuple[Any, str] | None = None

    @property
    def trouble(self) -> str:
        """Why the ledger cannot be read or judged, in English; empty where it can be."""
        return self._unread or self._unjudged

    # reading ------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Read what is new in the ledger; whether anything was."""
        with self._reading:
            found = stamp(self.folder / FILE_NAME)
            if found.parts == self.seen.parts and self.seen.sure and not (self._unread and self._again.due):
                return False
            self.seen = found
            before, began = self.record, time.thread_time()
            try:
                with open_experiment(self.folder) as ledger:
                    self.record = ledger.read(before)
            except Exception as problem:  # noqa: BLE001  # whatever somebody's file holds
                self._again.spent(time.thread_time() - began)
                return self._remember(_said(problem), self._unjudged)
            better = self._remember("", self._unjudged)
            if self._verdict is not None and before is not None and before.arms == self.record.arms:
                self._set_runs(self.record)
            return better or before is None or _differ(before, self.record)

    def failed(self, problem: Exception) -> bool:
        """Remember why it cannot be judged, until it can be; whether that is news."""
        with self._reading:
            return self._remember(self._unread, _said(problem))

    def _remember(self, unread: str, unjudged: str) -> bool:
        before, self._unread, self._unjudged = self.trouble, unread, unjudged
        state = state_of(self.record, frozenset()) if self.record is not None else "waiting"
        self._parts.set({"live": {"state": state, "trouble": self._troubles(), "changed": self.seen.changed}})
        return before != self.trouble

    def _troubles(self) -> dict[str, str] | None:
        return {code: self._translate(self.trouble, code) for code in LANGUAGES} if self.trouble else None

    def _set_runs(self, record: ExperimentRecord) -> None:
        assert self._verdict is not None
        spared = self._verdict.spared
        self._parts.set_runs(tuple(record.runs.values()), lambda run: run.key in spared)

    # judging ------------------------------------------------------------------------------------

    def judge(self) -> bool:
        """Judge anew where runs have begun or ended; whether that was so."""
        with self._judging:
            record = self.record
            if record is None or _mark(record) == self._judged:
                return False
            verdict = judge(record)
            with self._reading:
                self._verdict, self._judged = verdict, _mark(record)
                self._remember(self._unread, "")
                self._set_runs(self.record or record)
            return True

    @property
    def page_is_due(self) -> bool:
        """Whether what stands beside the runs is to be made anew."""
        return self.record is not None and self._paged != _mark(self.record)

    def make_page(self) -> None:
        """Make anew what stands beside the runs.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        with self._judging:
            self.judge()
            record, verdict = self.record, self._verdict
            if record is None or verdict is None or not self.page_is_due:
                return
            with open_experiment(self.folder) as ledger:
                source = page_source(ledger, record, verdict, ChangedImages({}, "unfinished"))
            made = beside_runs(source, self._lang)
            with self._reading:
                self._parts.set(made)
                self._paged = _mark(record)
                self._remember(self._unread, "")

    def take(self, made: Mapping[str, Any], mark: Any) -> bool:
        """Take what the experiment's own page shows beside the runs, unless runs ended since; whether it is new."""
        with self._reading:
            before = self._parts.version
            if mark == self._paged:
                self._parts.set({key: value for key, value in made.items() if key != "runs"})
            return self._parts.version != before

    @property
    def mark(self) -> Any:
        """What a page was made for; ``None`` before the first."""
        return self._paged

    @property
    def running(self) -> bool:
        """Whether runs are being trained, as the ledger has it."""
        return self.record is not None and state_of(self.record, frozenset()) == "running"

    # telling ------------------------------------------------------------------------------------

    def page(self) -> str:
        """The page as one HTML text, which follows what comes after it; of what was known, where that is lost now.

        Raises:
            DroplabError: the ledger cannot be read and never was, or the front end was not built.
        """
        self.look()
        try:
            self.make_page()
        except Exception as problem:  # noqa: BLE001  # whatever somebody's file holds
            self.failed(problem)
        with self._reading:
            if self.record is None or self._verdict is None or not self._parts.whole:
                raise DroplabError(self._translate(self.trouble, self._lang))
            data, at = self._parts.payload(self._run), self.version
            record, verdict = self.record, self._verdict
        title = f"{record.name} · droplab board"
        plain = verdict_markup({code: render(verdict, record, code) for code in LANGUAGES})
        return lay_out("page", data, self._lang, title, plain, f"events?since={at}")

    @property
    def version(self) -> str:
        """Of what there is to tell."""
        return f"{_BOOT}-{self._parts.version}"

    def since(self, version: str) -> tuple[str, str] | None:
        """What changed after a version, and the version of now; ``None`` where nothing did."""
        boot, _, number = version.partition("-")
        known = int(number) if boot == _BOOT and number.isdecimal() else 0
        with self._reading:
            if self._verdict is None or not self._parts.whole:
                return None
            found = self._parts.since(known, self._run)
            return None if found is None else (self.version, found)

    def _run(self, run: RunRecord, spared: bool) -> Any:
        assert self.record is not None
        assert self._verdict is not None
        return run_data(run, self.record, self._verdict.questions, spared=spared)

    def row(self, place: Path) -> str:
        """Its line in the list of experiments, as JSON."""
        with self._reading:
            record, verdict, trouble, seen = self.record, self._verdict, self.trouble, self.seen
            key = (record, verdict, trouble)
            if self._row is None or any(a is not b for a, b in zip(self._row[0], key, strict=True)):
                self._row = (key, row(self.id, self.folder, place, record, verdict, self._troubles(), seen.changed))
            return self._row[1]


def _said(problem: Exception) -> str:
    return plain(clip(str(problem) if isinstance(problem, DroplabError) else f"{type(problem).__name__}: {problem}"))


def _differ(before: ExperimentRecord, now: ExperimentRecord) -> bool:
    """Whether a ledger that was read again holds anything new."""
    runs = zip(before.runs.values(), now.runs.values(), strict=False)
    return _mark(before) != _mark(now) or any(a is not b for a, b in runs)


def _mark(record: ExperimentRecord) -> Any:
    """What a verdict depends on: which runs have ended, and every event."""
    return (
        record.experiment_id,
        record.name,
        record.arms,
        len(record.events),
        [run.state for run in record.runs.values()],
    )
