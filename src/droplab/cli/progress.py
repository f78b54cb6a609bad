"""Progress on the terminal: a live table of arms × seeds, or plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, final

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from droplab.cli.terminal import cell
from droplab.errors import plain
from droplab.languages import Count
from droplab.listener import Listener, Silent
from droplab.measures import GAP, reported
from droplab.records import ExperimentRecord, Measure, Measurement, RunKey
from droplab.report import expectation
from droplab.report.notices import notice_texts

_SPEED = "images_per_second"
_DISPLAY_ENDS = (OSError, ValueError, SystemExit)
"""What drawing on a terminal that is gone ends in; rich answers a broken pipe with ``SystemExit``."""


class _Clock:
    """Time left, from the epochs of this session."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._done = 0

    def tick(self) -> None:
        self._done += 1

    def left(self, epochs: int) -> str:
        if not self._done:
            return "measuring"
        seconds = int((time.monotonic() - self._began) / self._done * epochs)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class _Progress(Listener):
    """What lines and table have in common: the console, the clock, what is left, and lines of text."""

    def __init__(self, console: Console, lang: str = "en") -> None:
        self._console = console
        self._lang = lang
        self._clock = _Clock()
        self._epochs = 0
        self._left = 0
        self._open = 0
        self._measures: tuple[Measure, ...] = ()

    def opened(self, record: ExperimentRecord, plan: dict[str, Any], folder: str) -> None:
        """Say where the experiment is and how it will run."""
        self._epochs = record.epochs
        self._measures = record.measures
        unfinished = [run for run in record.runs.values() if run.state != "done"]
        self._open = len(unfinished)
        self._left = sum(record.epochs - run.epochs_done for run in unfinished)
        self._clock = _Clock()
        self.say(describe_plan(record, plan, folder))
        for text in notice_texts(record, self._lang):
            self.say(f"! {text}")
        if record.endpoints and (text := expectation(record, self._lang)):
            self.say(text)
        self._show(record)

    def round(self, record: ExperimentRecord, runs: Sequence[RunKey]) -> None:
        """What is in view: these runs. Others of the plan may never be needed, and are not counted."""
        if not _by_looks(record):
            return
        self._open = len(runs)
        self._left = sum(record.epochs - record.runs[key].epochs_done for key in runs)
        self._narrow(runs)

    def _narrow(self, runs: Sequence[RunKey]) -> None:
        """Show that only these runs are in view."""
        raise NotImplementedError

    def planned(self, epochs: int) -> None:
        """So many are left, for each run that is not done."""
        self._epochs = epochs
        self._left += epochs * self._open

    def _counted(self, epochs: int) -> str:
        """``2/5``, or ``2`` while nobody knows of how many."""
        return f"{epochs}/{self._epochs}" if self._epochs else str(epochs)

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """One epoch less is left."""
        self._clock.tick()
        self._left -= 1
        self._measured(key, measurement)

    def say(self, text: str) -> None:
        """One line; on a live display, above it."""
        self._console.print(Text(plain(text)), soft_wrap=True)

    def _show(self, record: ExperimentRecord) -> None:
        """Begin, once the experiment is introduced."""
        raise NotImplementedError

    def _measured(self, key: RunKey, measurement: Measurement) -> None:
        """Show what an epoch measured."""
        raise NotImplementedError


@final
class PlainProgress(_Progress):
    """One line per epoch and per event."""

    def placed(self, key: RunKey, node: str) -> None:
        """One line for the run."""
        self.say(f"{key}: on {node}")

    def ended(self, key: RunKey, state: str, reason: str) -> None:
        """One line for the run."""
        self.say(f"{key}: {state}{': ' + reason if reason else ''}")

    def _show(self, record: ExperimentRecord) -> None:
        pass

    def _narrow(self, runs: Sequence[RunKey]) -> None:
        self.say(f"for the next look: {Count(len(runs)):run|runs}, up to seed {runs[-1].seed}")

    def _measured(self, key: RunKey, measurement: Measurement) -> None:
        metrics = measurement.metrics
        named = {f"val {measure.name}": reported(measure, "val", metrics) for measure in self._measures}
        parts = [f"{key}: epoch {self._counted(measurement.epoch + 1)}"]
        parts += [f"{title} {metrics[name]:.4f}" for title, name in named.items() if name in metrics]
        parts += [f"{name} {metrics[name]:+.4f}" for name in (GAP,) if name in metrics]
        parts += [f"{metrics[name]:.0f} samples/s" for name in (_SPEED,) if name in metrics]
        self.say("  ".join([*parts, *([f"left {self._clock.left(self._left)}"] if self._epochs else [])]))


@final
class LiveProgress(_Progress):
    """A table that is drawn again as runs proceed."""

    def __init__(self, console: Console, live: Live, lang: str = "en") -> None:
        super().__init__(console, lang)
        self._live = live
        self._record: ExperimentRecord | None = None
        self._cells: dict[RunKey, str] = {}
        self._nodes: dict[RunKey, str] = {}
        self._images = 0.0
        self._seeds: tuple[int, ...] = ()
        """Those in view."""

    def placed(self, key: RunKey, node: str) -> None:
        """The node stands in the run's cell while it trains."""
        self._nodes[key] = node
        self._draw()

    def ended(self, key: RunKey, state: str, reason: str) -> None:
        """Mark the run's cell; a failure's reason stays above the table."""
        self._cells[key] = f"{state}  {self._cells.get(key, '').rpartition('  ')[2]}" if state == "done" else state
        if state == "failed":
            self.say(f"{key}: {state}: {reason}")
        self._nodes.pop(key, None)
        self._draw()

    def _show(self, record: ExperimentRecord) -> None:
        self._record = record
        begun = {key.seed for key, run in record.runs.items() if run.state != "planned"}
        self._seeds = tuple(seed for seed in record.seeds if seed in begun or not _by_looks(record))
        for key, run in record.runs.items():
            self._cells[key] = run.state if run.state in {"done", "failed"} else self._counted(run.epochs_done)
        self._draw()

    def _narrow(self, runs: Sequence[RunKey]) -> None:
        assert self._record is not None
        now = {*self._seeds, *(key.seed for key in runs)}
        self._seeds = tuple(seed for seed in self._record.seeds if seed in now)
        self._draw()

    def _measured(self, key: RunKey, measurement: Measurement) -> None:
        self._images = measurement.metrics.get(_SPEED, 0.0)
        name = reported(self._measures[0], "val", measurement.metrics)
        value = f"  {measurement.metrics[name]:.3f}" if name in measurement.metrics else ""
        self._cells[key] = f"{self._counted(measurement.epoch + 1)}{value}"
        self._draw()

    def _cell(self, key: RunKey) -> str | Text:
        found, node = self._cells.get(key, ""), self._nodes.get(key)
        return cell(f"{found}  {node}") if node else found

    def _draw(self) -> None:
        record = self._record
        if record is None:
            return
        shown = f"epoch and validation {record.measures[0].name}"
        left = f"{Count(self._left):epoch|epochs} left · {self._clock.left(self._left)}"
        left += " to the next look" if _by_looks(record) else ""
        caption = f"{shown} · {left}" if self._epochs else shown
        if self._images:
            caption += f" · {self._images:.0f} samples/s per run"
        table = Table(caption=Text(caption), caption_justify="left")
        table.add_column("arm")
        for seed in self._seeds:
            table.add_column(f"seed {seed}", justify="right")
        for arm in record.arms:
            table.add_row(cell(arm), *(self._cell(RunKey(arm, seed)) for seed in self._seeds))
        self._live.update(table)


def _by_looks(record: ExperimentRecord) -> bool:
    """Whether it may end before all that is planned is trained."""
    return len(record.endpoints.get("looks", ())) > 1


_HOW = {"serial": "one run at a time", "ray": "as many runs at a time as the Ray cluster holds"}


def describe_plan(record: ExperimentRecord, plan: dict[str, Any], folder: str) -> str:
    """One line on what will run how."""
    done = sum(run.state == "done" for run in record.runs.values())
    runs, arms, seeds = Count(len(record.runs)), Count(len(record.arms)), Count(len(record.seeds))
    threads = Count(plan["threads"])
    epochs = f"{Count(record.epochs):epoch|epochs}" if record.epochs else "epochs as the loop says"
    how = f"{Count(plan['workers']):run|runs} at a time"
    if plan["executor"] in _HOW:
        how = _HOW[plan["executor"]]
    continuing = f", {done} of them done before" if done else ""
    most = "at most " if _by_looks(record) else ""
    return (
        f"{record.name}: {most}{runs:run|runs} ({arms:arm|arms} × {seeds:seed|seeds}){continuing}, {epochs}, "
        f"{how}, {threads:thread|threads} each, {plan['precision']}, {plan['device']} -> {folder}"
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
        task = bar.add_task("download", total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield report
