"""What a progress display can follow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, final

from droplab.errors import words_of
from droplab.records import ExperimentRecord, Measurement, RunKey


class Listener:
    """Hears of everything while an experiment runs: a base whose methods do nothing. Override what you need."""

    lang = ""
    """The language in which whoever listens reads; that of the environment where empty."""

    def opened(self, record: ExperimentRecord, plan: dict[str, Any], folder: str) -> None:
        """The ledger is open and the plan is fixed; ``record`` has what was done before."""

    def planned(self, epochs: int) -> None:
        """Every run has so many epochs; told where ``opened`` could not know, as a loop of the user's own says it."""

    def round(self, record: ExperimentRecord, runs: Sequence[RunKey]) -> None:
        """These runs are trained now; whether others of the plan will be may depend on what they show."""

    def started(self, key: RunKey) -> None:
        """A run begins or continues."""

    def placed(self, key: RunKey, node: str) -> None:
        """A run has been given to a machine of a cluster."""

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """An epoch is in the ledger."""

    def ended(self, key: RunKey, state: str, reason: str) -> None:
        """A run is ``done``, ``failed`` or ``interrupted``."""

    def say(self, text: str) -> None:
        """Something the user should know."""


@final
class Silent(Listener):
    """For whoever follows nothing."""


@final
class GuardedListener(Listener):
    """Passes everything on to another listener; whatever that one raises does not stop the training.

    A terminal that goes away or a log on a full disk ends a display (rich raises ``SystemExit`` on a broken
    pipe), and a listener of one's own may have a mistake. The first failure is a warning.

    >>> class Mistaken(Listener):
    ...     def say(self, text):
    ...         raise SystemExit(1)
    >>> with warnings.catch_warnings(record=True) as seen:
    ...     warnings.simplefilter("always")
    ...     GuardedListener(Mistaken()).say("hello")
    >>> str(seen[0].message)
    'the progress display failed (sys.exit(1) was called); training goes on'
    """

    def __init__(self, inner: Listener) -> None:
        self._inner = inner
        self._told = False

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except (Exception, SystemExit) as problem:  # noqa: BLE001  # see above
            if not self._told:
                self._told = True
                with suppress(Exception):  # warnings may be errors
                    warnings.warn(
                        f"the progress display failed ({words_of(problem)}); training goes on",
                        RuntimeWarning,
                        stacklevel=4,
                    )

    def opened(self, record: ExperimentRecord, plan: dict[str, Any], folder: str) -> None:
        """Pass it on."""
        with self._guard():
            self._inner.opened(record, plan, folder)

    def planned(self, epochs: int) -> None:
        """Pass it on."""
        with self._guard():
            self._inner.planned(epochs)

    def round(self, record: ExperimentRecord, runs: Sequence[RunKey]) -> None:
        """Pass it on."""
        with self._guard():
            self._inner.round(record, runs)

    def started(self, key: RunKey) -> None:
        """Pass it on."""
        with self._guard():
            self._inner.started(key)

    def placed(self, key: RunKey, node: str) -> None:
        """Pass it on."""
        with self._guard():
            self._inner.placed(key, node)

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """Pass it on."""
        with self._guard():
            self._inner.epoch(key, measurement)

    def ended(self, key: RunKey, state: str, reason: str) -> None:
        """Pass it on."""
        with self._guard():
            self._inner.ended(key, state, reason)

    def say(self, text: str) -> None:
        """Pass it on."""
        with self._guard():
            self._inner.say(text)
