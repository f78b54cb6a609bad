"""What runs began with, weights or batches, as they themselves had it: recorded, and compared between arms, seeds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from droplab.records import Event, Notice, RunKey


class Beginning(NamedTuple):
    """Something that all arms of a seed are to begin with, and no two seeds."""

    event: str
    """The ledger's, one for each run."""
    differs: str
    """The notice that arms of a seed differ."""
    same: str
    """The notice that seeds do not; empty where that tells nothing."""


WEIGHTS = Beginning("initial weights", "weights_differ", "weights_same")
BATCHES = Beginning("first batches", "batches_differ", "")


class Beginnings:
    """What is known of what runs began with.

    Args:
        what: weights or batches.
        events: of the ledger.
        told: notices that are there already; nothing is told twice.

    >>> seen = Beginnings(WEIGHTS, [], [])
    >>> seen.begin(RunKey("a", 0), "1f"), seen.begin(RunKey("b", 0), "1f")
    ((True, None), (True, None))
    >>> seen.begin(RunKey("b", 1), "2e")[1], seen.begin(RunKey("a", 1), "30")[1].code
    (None, 'weights_differ')
    """

    def __init__(self, what: Beginning, events: Iterable[Event], told: Iterable[Notice]) -> None:
        self.what = what
        self._known: dict[int, dict[str, str]] = {}
        self._told = {notice.code for notice in told}
        for event in events:
            if event.kind == what.event and event.run is not None:
                self._known.setdefault(event.run.seed, {})[event.run.arm] = event.detail["digest"]

    def begin(self, key: RunKey, digest: str) -> tuple[bool, Notice | None]:
        """Whether the digest is new to the ledger, and what is to be told of it."""
        mine = self._known.setdefault(key.seed, {})
        new = mine.get(key.arm) != digest
        notice = None
        if any(other != digest for other in mine.values()):
            notice = Notice(self.what.differs, detail={"seed": key.seed})
        elif self.what.same and any(digest in arms.values() for seed, arms in self._known.items() if seed != key.seed):
            notice = Notice(self.what.same)
        mine[key.arm] = digest
        if notice is not None and notice.code in self._told:
            return new, None
        if notice is not None:
            self._told.add(notice.code)
        return new, notice
