"""What an executor is told and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from droplab.execution.executors.reasons import may_retry, reason_of
from droplab.execution.plan import OpenRun, Plan
from droplab.records import Measurement, Notice, RunKey
from droplab.training.port import Port, StoppedError


class Ending(NamedTuple):
    """How a run ended; crosses process borders."""

    state: str
    """``done``, ``interrupted`` or ``failed``."""
    reason: str = ""
    retry: bool = True
    """Whether another try could end otherwise."""


class Driver(Protocol):
    """The one process that writes the ledger; executors report to it. A run's ``Port`` is its view of this."""

    def started(self, key: RunKey) -> None:
        """A run begins or continues."""

    def placed(self, key: RunKey, node: str) -> None:
        """A run has been given to a machine of a cluster."""

    def planned(self, key: RunKey, epochs: int) -> str:
        """See ``Port``."""

    def counted(self, key: RunKey, epochs: int) -> None:
        """See ``Port``."""

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """An epoch is measured; on return it is in the ledger."""

    def restart(self, key: RunKey) -> None:
        """See ``Port``."""

    def notice(self, key: RunKey, notice: Notice) -> None:
        """See ``Port``."""

    def also_in(self, key: RunKey, sink: str, where: Mapping[str, str]) -> None:
        """See ``Port``."""

    def say(self, text: str) -> None:
        """Something the user should know."""

    def ended(self, key: RunKey, ending: Ending) -> None:
        """A run is done, has failed, or was stopped between checkpoints."""


class Opened(Protocol):
    """A run set in the process that carries it out, with all that its runs need in memory."""

    def carry_out(self, run: OpenRun, port: Port) -> None:
        """Train a run to its end.

        An epoch is committed to the ledger before its checkpoint is written, so the ledger is never behind a
        checkpoint; an epoch whose checkpoint is missing is trained and committed again, with equal results.

        Raises:
            StoppedError: ``port.stop()`` said so; finished epochs are kept.
            Exception: whatever else it is, the run failed.
        """


class RunSet(Protocol):
    """What an executor needs to carry out runs, whatever they train; crosses process borders."""

    @property
    def plan(self) -> Plan:
        """Threads, workers, device."""

    @property
    def directory(self) -> Path:
        """Where the user's modules and relative paths are looked for."""

    @property
    def daemon(self) -> bool:
        """Whether a worker ends with the driver by itself; such a process can start no others."""

    def open(self, cargo: Any = None) -> Opened:
        """Load what all runs need, but for what the driver has sent."""


class Executor(Protocol):
    """Carries out runs in order, one after another or several at a time."""

    def run(self, runs: list[OpenRun], driver: Driver, stop: Callable[[], bool]) -> None:
        """Return when all runs are done, failed, or (``stop()``) interrupted."""


def ending_of(opened: Opened, run: OpenRun, port: Port) -> Ending:
    """Carry out a run, and say how it ended: whatever one run does, the others go on."""
    try:
        opened.carry_out(run, port)
    except StoppedError:
        return Ending("interrupted")
    except (Exception, SystemExit) as problem:  # noqa: BLE001  # see above
        return Ending("failed", reason_of(problem), may_retry(problem))
    return Ending("done")
