"""Which runs are trained now: all that are not done, or, look by look, those that the experiment's plan wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from droplab.ledger import Ledger
from droplab.records import ExperimentRecord, RunKey

Wanted = Callable[[ExperimentRecord], Sequence[RunKey] | None]
"""From what is known to the runs that it asks for: ``None`` for all of them, none where everything is decided.
``analysis.wanted`` is one; it is given from outside, as carrying out knows nothing of statistics."""


def all_of_them(_record: ExperimentRecord) -> None:
    """Whatever has been seen: every run is wanted."""


def still_wanted(open_runs: Sequence[RunKey], record: ExperimentRecord, wanted: Wanted) -> list[RunKey]:
    """The open runs that are asked for, in the ledger's order."""
    asked = wanted(record)
    if asked is None:
        return list(open_runs)
    chosen = set(asked)
    return [key for key in open_runs if key in chosen]


def rounds(ledger: Ledger, wanted: Wanted) -> Iterator[tuple[ExperimentRecord, list[RunKey]]]:
    """What is known, and the runs to be trained next; asked again when these have ended, until there are none.

    A run is tried once: one that a machine lost again ends the rounds that wait for it, and the next session goes on.
    """
    tried: set[RunKey] = set()
    while True:
        record = ledger.read()
        left = [key for key in still_wanted(ledger.open_runs(), record, wanted) if key not in tried]
        if not left:
            return
        yield record, left
        tried.update(left)
