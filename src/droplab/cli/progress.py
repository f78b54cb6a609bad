"""Progress on the terminal: a board of arms, or plain lines where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from droplab.align import wrap_within
from droplab.cli.failing import alike
from droplab.cli.screen import Screen
from droplab.cli.standing import SPEED, Clock, Standing, by_looks
from droplab.cli.translating import translate
from droplab.cli.words import words
from droplab.errors import plain
from droplab.listener import Listener, Silent
from droplab.measures import GAP, reported
from droplab.records import ExperimentRecord, Measure, Measurement, RunKey
from droplab.report import expectation, report_words
from droplab.report.notices import notice_texts

_DISPLAY_ENDS = (OSError, ValueError, SystemExit)
"""What drawing on a terminal that is gone ends in; rich answers a broken pipe with ``SystemExit``."""


class _Progress(Listener):
    """What lines and board have in common: the console, the clock, what is left, and lines of text."""

    def __init__(self, console: Console, lang: str = "en", clock: Callable[[], Clock] = Clock) -> None:
        self._console = console
        self.lang = lang
        self._make_clock = clock
        self._clock = clock()
        self._epochs = 0
        self._left = 0
        self._all = 0
        self._open = 0
        self._measures: tuple[Measure, ...] = ()
        self._named: dict[str, str] = {}
        """Measures in other words than their own."""
        self._reached: dict[RunKey, int] = {}
        """Epochs of each run, so far."""

    def opened(self, record: ExperimentRecord, plan: dict[str, Any], folder: str) -> None:
        """Say where the experiment is and how it will run."""
        self._epochs = record.epochs
        self._measures = record.measures
        self._named = report_words(record.measures, self.lang) if self.lang != "en" else {}
        unfinished = [run for run in record.runs.values() if run.state != "done"]
        self._open = len(unfinished)
        self._left = sum(record.epochs - run.epochs_done for run in unfinished)
        self._all = record.epochs * len(record.runs)
        self._reached = {key: run.epochs_done for key, run in record.runs.items()}
        self._clock = self._make_clock()
        self.say(describe_plan(record, plan, folder, self.lang))
        for text in notice_texts(record, self.lang):
            self.say(f"! {text}")
        if record.endpoints and (text := expectation(record, self.lang)):
            self.say(text)
        self._show(record)

    def round(self, record: ExperimentRecord, runs: Sequence[RunKey]) -> None:
        """What is in view: these runs. Others of the plan may never be needed, and are not counted."""
        if not by_looks(record):
            return
        self._open = len(runs)
        self._left = sum(record.epochs - record.runs[key].epochs_done for key in runs)
        self._all = self._left + sum(run.epochs_done for run in record.runs.values())
        self._narrow(record, runs)

    def _narrow(self, record: ExperimentRecord, runs: Sequence[RunKey]) -> None:
        """Show that only these runs are in view."""
        raise NotImplementedError

    def planned(self, epochs: int) -> None:
        """So many are left, for each run that is not done."""
        self._epochs = epochs
        self._left += epochs * self._open
        self._all += epochs * self._open

    def _counted(self, epochs: int) -> str:
        """``2/5``, or ``2`` while nobody knows of how many."""
        return f"{epochs}/{self._epochs}" if self._epochs else str(epochs)

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """One epoch less is left."""
        self._clock.tick()
        self._left -= 1
        self._reached[key] = measurement.epoch + 1
        self._measured(key, measurement)

    def placed(self, key: RunKey, node: str) -> None:
        """One line for the run; on a live display, above it."""
        self.say(f"{key}: {words('live.placed', self.lang, node=node)}")

    def say(self, text: str) -> None:
        """A text; on a live display above it, and as wide as the terminal, else on one line."""
        said = plain(translate(text, self.lang))
        for line in wrap_within(said, self._console.width) if self._console.is_terminal else [said]:
            self._console.print(Text(line), soft_wrap=True)

    def _time_left(self) -> str:
        return self._clock.left(self._left) or words("live.measuring", self.lang)

    def _run(self, key: RunKey) -> str:
        return words("run", self.lang, arm=key.arm, seed=str(key.seed))

    def ended(self, key: RunKey, state: str, reason: str) -> None:
        """What a failed run did not reach is not to come."""
        del reason
        if state == "failed":
            self._left -= max(0, self._epochs - self._reached.get(key, self._epochs))

    def _tell_end(self, key: RunKey, state: str, reason: str) -> None:
        """Say how a run ended."""
        text = f"{self._run(key)}: {words(f'state.{state}', self.lang)}"
        self.say(f"{text}: {translate(reason, self.lang)}" if reason else text)

    def _show(self, record: ExperimentRecord) -> None:
        """Begin, once the experiment is introduced."""
        raise NotImplementedError

    def _measured(self, key: RunKey, measurement: Measurement) -> None:
        """Show what an epoch measured."""
        raise NotImplementedError


@final
class PlainProgress(_Progress):
    """One line per epoch and per event."""

    def ended(self, key: RunKey, state: str, reason: str) -> None:
        """One line for the run."""
        super().ended(key, state, reason)
        self._tell_end(key, state, reason)

    def _show(self, record: ExperimentRecord) -> None:
        pass

    def _narrow(self, record: ExperimentRecord, runs: Sequence[RunKey]) -> None:
        del record
        self.say(words("plain.look", self.lang, count=len(runs), seed=str(runs[-1].seed)))

    def _measured(self, key: RunKey, measurement: Measurement) -> None:
        metrics, lang = measurement.metrics, self.lang
        parts = [f"{self._run(key)}: {words('plain.epoch', lang, epoch=self._counted(measurement.epoch + 1))}"]
        parts += [
            words("plain.val", lang, measure=self._named.get(measure.name, measure.name), value=f"{metrics[name]:.4f}")
            for measure in self._measures
            if (name := reported(measure, "val", metrics)) in metrics
        ]
        if GAP in metrics:
            parts.append(words("plain.gap", lang, value=f"{metrics[GAP]:+.4f}"))
        if SPEED in metrics:
            parts.append(words("plain.speed", lang, speed=f"{metrics[SPEED]:.0f}"))
        if self._epochs:
            parts.append(words("plain.left", lang, time=self._time_left()))
        self.say("  ".join(parts))


@final
class LiveProgress(_Progress):
    """A board that is drawn again as runs proceed."""

    def __init__(self, console: Console, live: Live, lang: str = "en", clock: Callable[[], Clock] = Clock) -> None:
        super().__init__(console, lang, clock)
        self._live = live
        self._standing: Standing | None = None
        self._told: set[str] = set()
        """Reasons of failures that were said."""

    def started(self, key: RunKey) -> None:
        """Mark the run."""
        if self._standing is not None:
            self._standing.started(key)

    def ended(self, key: RunKey, state: str, reason: str) -> None:
        """Mark the run; a failure's reason stays above the board, once for all runs that share it."""
        super().ended(key, state, reason)
        if self._standing is not None:
            self._standing.over(key, state)
        if state == "failed" and alike(reason) not in self._told:
            self._told.add(alike(reason))
            self._tell_end(key, state, reason)

    def _show(self, record: ExperimentRecord) -> None:
        self._standing = Standing(record)
        self._live.update(Screen(self._standing, self._footer, self.lang))

    def _narrow(self, record: ExperimentRecord, runs: Sequence[RunKey]) -> None:
        if self._standing is not None:
            self._standing.narrow(record, runs)

    def _measured(self, key: RunKey, measurement: Measurement) -> None:
        if self._standing is not None:
            self._standing.measured(key, measurement)

    def _footer(self, width: int) -> list[Text]:
        """The total: a bar, and what is left, of which the time comes first, lest it be cut."""
        standing, lang = self._standing, self.lang
        assert standing is not None
        looks = by_looks(standing.record)
        said = []
        if self._epochs:
            said.append(words("live.left_to_look" if looks else "live.left", lang, time=self._time_left()))
            said.append(words("live.epochs", lang, count=self._left))
        done, failed = standing.count("done"), standing.count("failed")
        said.append(words("live.runs", lang, done=str(done), count=len(standing.record.runs)))
        said += [words("live.failed", lang, count=failed)] if failed else []
        said += [words("live.speed", lang, speed=f"{standing.speed:.0f}")] if standing.speed else []
        while len(said) > 1 and Text(" · ".join(said)).cell_len > width:
            said.pop()
        line = Text(" · ".join(said), "bold")
        if not self._all:
            return [line]
        share = (self._all - self._left) / self._all
        shown = f" {share:4.0%}"
        full = round(share * (width - len(shown)))
        bar = Text("━" * full, "blue").append("─" * (width - len(shown) - full), "dim").append(shown, "default")
        return [bar, line]


_HOW = {"serial": "plan.serial", "ray": "plan.cluster"}


def describe_plan(record: ExperimentRecord, plan: dict[str, Any], folder: str, lang: str = "en") -> str:
    """One line on what will run how."""
    done = sum(run.state == "done" for run in record.runs.values())
    return words(
        "plan.most" if by_looks(record) else "plan.all",
        lang,
        name=record.name,
        runs=len(record.runs),
        arms=len(record.arms),
        seeds=len(record.seeds),
        continuing=words("plan.continuing", lang, done=str(done)) if done else "",
        epochs=words("plan.epochs", lang, count=record.epochs) if record.epochs else words("plan.loop", lang),
        how=words(_HOW.get(plan["executor"], "plan.parallel"), lang, count=plan["workers"]),
        threads=plan["threads"],
        precision=plan["precision"],
        device=plan["device"],
        folder=folder,
    )


@contextmanager
def progress(lang: str = "en") -> Iterator[Listener]:
    """The display that fits standard error; standard output stays free for results.

    Where standard error is closed, full, or a terminal that goes away, there is none, and nothing else changes.
    """
    if sys.stderr is None:
        yield Silent()
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainProgress(console, lang)
        return
    live = Live(console=console, refresh_per_second=4, transient=False)
    with suppress(*_DISPLAY_ENDS):
        live.start(refresh=True)
    try:
        yield LiveProgress(console, live, lang)
    finally:
        with suppress(*_DISPLAY_ENDS):
            live.stop()


@contextmanager
def download_progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; nothing where there is none. Takes bytes done and bytes in all."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    with Progress(
        BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield report
