"""Starts a process for each sink and ends it; whatever a sink does, training goes on."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

from droplab.errors import UserError, quote
from droplab.languages import wanted_language
from droplab.listener import GuardedListener, Listener
from droplab.records import Conclusion, ExperimentRecord, Measurement, RunKey
from droplab.tracking.registry import check_sinks

_LONGEST_GRACE = 86_400.0
GRACE_SECONDS = 60.0
"""How long sinks together may take to finish after the last run; ``DROPLAB_TRACK_GRACE`` overrides it."""


_HOME = Path(__file__).parents[2]
_CHILD = """\
import sys
from pathlib import Path
sys.path.append(sys.argv[1])
from droplab.tracking.child import main
main(sys.argv[2], Path(sys.argv[3]))
"""
"""Not ``python -m``, which imports from the working directory first: a ``tensorboard.py`` there would be run instead.
This droplab may lie outside of what Python searches; it comes last, so that nothing beside it stands for a package."""


def _grace() -> float:
    given = os.environ.get("DROPLAB_TRACK_GRACE", "")
    if not given:
        return GRACE_SECONDS
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST_GRACE:
        raise UserError(
            f"DROPLAB_TRACK_GRACE is {quote(given)}; a number of seconds within [0, {_LONGEST_GRACE:g}] is wanted"
        )
    return seconds


class _Child:
    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / "tracking" / f"{name.replace(':', '-')}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.reported = False
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter
                [sys.executable, "-P", "-c", _CHILD, str(_HOME), name, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C on the terminal is not for it
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"},  # for what it starts, too
            )

    def end_input(self, told: bytes) -> None:
        """Say what is to be said and that nothing more comes; a child that does not listen holds nobody up."""

        def say() -> None:
            with suppress(OSError):  # it is gone already
                assert self.process.stdin is not None
                with self.process.stdin as pipe:
                    pipe.write(told)

        threading.Thread(target=say, daemon=True).start()

    def last_words(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""


@final
class Tracker(Listener):
    """Passes everything on to another listener, and keeps one process per sink that follows the ledger.

    Use it in a ``with``; leaving it lets the sinks finish, and ends those that take too long.

    Args:
        inner: the listener that shows the progress.
        names: sinks, as ``check_sinks`` takes them.
        grace: seconds that the sinks may take at the end.

    Attributes:
        names: the sinks, each once.

    Raises:
        UserError: an unknown sink, a missing package, ``DROPLAB_TRACK_GRACE`` that is no number of seconds, or, where
            there are sinks, ``DROPLAB_LANG`` that is no language.
    """

    def __init__(self, inner: Listener, names: Sequence[str], grace: float | None = None) -> None:
        self._inner = GuardedListener(inner)  # a display that fails does not keep sinks from starting
        self.names = check_sinks(names)
        self.lang = inner.lang or (wanted_language(os.environ) if self.names else "")
        self._told = b""
        self._grace = grace if grace is not None else _grace()
        self._children: list[_Child] = []
        self._folder = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _problem: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def opened(self, record: ExperimentRecord, plan: dict[str, Any], folder: str) -> None:
        """Start the sinks; the ledger is there now."""
        self._inner.opened(record, plan, folder)
        self._folder = folder
        for name in self.names:
            try:
                self._children.append(_Child(name, Path(folder)))
            except OSError as problem:
                self._inner.say(f"{name} cannot be started ({problem}); {self._heal(name)}")

    def planned(self, epochs: int) -> None:
        """Pass it on."""
        self._inner.planned(epochs)

    def round(self, record: ExperimentRecord, runs: Sequence[RunKey]) -> None:
        """Pass it on."""
        self._inner.round(record, runs)

    def started(self, key: RunKey) -> None:
        """Pass it on."""
        self._inner.started(key)

    def placed(self, key: RunKey, node: str) -> None:
        """Pass it on."""
        self._inner.placed(key, node)

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """Pass it on; say once of a sink that it is gone."""
        self._inner.epoch(key, measurement)
        for child in self._children:
            if not child.reported and child.process.poll() is not None:
                self._gone(child)

    def ended(self, key: RunKey, state: str, reason: str) -> None:
        """Pass it on."""
        self._inner.ended(key, state, reason)

    def say(self, text: str) -> None:
        """Pass it on."""
        self._inner.say(text)

    def conclude(self, conclusion: Conclusion) -> None:
        """What the experiment has shown; sinks are told it on ``close``."""
        self._told = json.dumps(asdict(conclusion)).encode()

    def close(self) -> None:
        """Let the sinks finish within the grace, end the others, and say what each had to say."""
        for child in self._children:
            child.end_input(self._told)
        deadline = time.monotonic() + self._grace
        for child in self._children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
                child.reported = True
                self._inner.say(
                    f"{child.name} did not finish in {self._grace:g} s and was ended; {self._heal(child.name)}"
                )
            if child.process.returncode == 0:
                for line in _answer(child):
                    self._inner.say(line)
            elif not child.reported:
                self._gone(child)
            if child.process.stdout is not None:
                child.process.stdout.close()
        self._children = []

    def _gone(self, child: _Child) -> None:
        child.reported = True
        why = child.last_words()
        self._inner.say(
            f"{child.name} stopped ({why or f'exit code {child.process.returncode}'}); training is not affected; "
            f"{self._heal(child.name)}; its log is {child.log}"
        )

    def _heal(self, name: str) -> str:
        command = name if ":" not in name else f"sink {name}"
        return f"what it missed is written by: droplab export {command} {self._folder}"


def _answer(child: _Child) -> list[str]:
    text = child.process.stdout.read() if child.process.stdout is not None else b""
    lines = text.decode("utf-8", "replace").strip().splitlines()
    try:
        said = json.loads(lines[-1]) if lines else []
    except ValueError:
        return []
    return [str(line) for line in said]
