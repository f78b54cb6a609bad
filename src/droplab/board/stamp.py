"""Whether a ledger has changed: asked of the file system, before SQLite is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

_SURE_SECONDS = 0.1
"""What changed less than that ago may have changed again within the file system's tick."""
_COARSE_SECONDS = 2.0
"""The same where times are whole seconds, as FAT and older network drives have them."""


class Stamp(NamedTuple):
    """Node, size and time of a ledger's file and of its write-ahead log."""

    parts: tuple[tuple[int, int, int], ...]
    sure: bool
    """Whether equal stamps mean an equal ledger."""

    @property
    def changed(self) -> float:
        """When it was written last, in seconds since 1970; 0 where nothing is there."""
        return max((time for *_, time in self.parts), default=0) / 1e9


def stamp(path: Path) -> Stamp:
    """A ledger's stamp; of one that is not there it is empty."""
    parts = []
    for end in ("", "-wal"):
        try:
            found = path.with_name(path.name + end).stat()
        except OSError:
            continue
        if found.st_size:  # who reads leaves an empty log for a moment
            parts.append((found.st_ino, found.st_size, found.st_mtime_ns))
    latest = max((written for *_, written in parts), default=0)
    tick = _SURE_SECONDS if latest % 10**9 else _COARSE_SECONDS
    return Stamp(tuple(parts), sure=time.time() - latest / 1e9 > tick)
