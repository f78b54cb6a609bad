"""Where experiments are: folders with a ledger, at or under the places that are watched."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from droplab.ledger import FILE_NAME

DEPTH = 3
"""Folders below a place in which experiments are looked for."""
MOST = 2000
"""Folders that are looked into at each place, so that a home folder does not keep the board busy."""


def find(place: Path) -> Iterator[Path]:
    """Folders of experiments, the place itself among them; what is in an experiment's folder is not looked into.

    A place that does not exist, or cannot be read, has none. Links are followed at the place itself alone.

    >>> list(find(Path("no such folder")))
    []
    """
    waiting = deque([(place, 0)])
    for _ in range(MOST):
        if not waiting:
            return
        folder, depth = waiting.popleft()
        if os.path.isfile(folder / FILE_NAME):  # noqa: PTH113  # Path's raises where others' folders are closed to us
            yield folder
            continue
        if depth == DEPTH:
            continue
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue
        waiting.extend((folder / name, depth + 1) for name in names if not name.startswith("."))


def identity(folder: Path) -> str:
    """What names an experiment in addresses: 12 hex digits of its path, so that no address can hold a path.

    >>> len(identity(Path("droplab-runs/a")))
    12
    """
    return hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:12]
