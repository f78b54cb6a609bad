"""Initial weights as the runs themselves had them: recorded, and compared between arms and seeds."""

from __future__ import annotations

from collections.abc import Iterable

from droplab.records import Event, Notice, RunKey

EVENT = "initial weights"


class InitialWeights:
    """What is known of the weights that runs began with.

    Args:
        events: of the ledger.
        told: notices that are there already; nothing is told twice.

    >>> seen = InitialWeights([], [])
    >>> seen.begin(RunKey("a", 0), "1f"), seen.begin(RunKey("b", 0), "1f")
    ((True, None), (True, None))
    >>> seen.begin(RunKey("b", 1), "2e")[1], seen.begin(RunKey("a", 1), "30")[1].code
    (None, 'weights_differ')
    """

    def __init__(self, events: Iterable[Event], told: Iterable[Notice]) -> None:
        self._known: dict[int, dict[str, str]] = {}
        self._told = {notice.code for notice in told}
        for event in events:
            if event.kind == EVENT and event.run is not None:
                self._known.setdefault(event.run.seed, {})[event.run.arm] = event.detail["digest"]

    def begin(self, key: RunKey, digest: str) -> tuple[bool, Notice | None]:
        """Whether the digest is new to the ledger, and what is to be told of it."""
        mine = self._known.setdefault(key.seed, {})
        new = mine.get(key.arm) != digest
        notice = None
        if any(other != digest for other in mine.values()):
            notice = Notice("weights_differ", detail={"seed": key.seed})
        elif any(digest in arms.values() for seed, arms in self._known.items() if seed != key.seed):
            notice = Notice("weights_same")
        mine[key.arm] = digest
        if notice is not None and notice.code in self._told:
            return new, None
        if notice is not None:
            self._told.add(notice.code)
        return new, notice
