"""Data larger than memory, said with sizes; an allocator says only how much its last step wanted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from droplab.errors import DataError

_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_ALLOCATORS = ("allocate memory", "out of memory", "not enough memory")
SMALLER = "Keep fewer samples (data.train_size, or in your function), or make each smaller"


def memory_limit() -> int | None:
    """Bytes that this process can have at most: the machine's, a container's or ``ulimit -v``'s; ``None`` if unknown.

    >>> memory_limit() is None or memory_limit() > 0
    True
    """
    found = []
    if hasattr(os, "sysconf"):
        with suppress(ValueError, OSError):
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in _CGROUPS:
        try:
            found.append(int(Path(name).read_text(encoding="ascii")))
        except (OSError, ValueError):  # not there, or "max"
            continue
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            found.append(soft)
    return min((bytes_ for bytes_ in found if bytes_ > 0), default=None)


def size(count: float) -> str:
    """A number of bytes for people.

    >>> size(3_200_000_000), size(512)
    ('3.2 GB', '512 bytes')
    """
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count:,.0f} bytes"


def check_room(what: str, needed: int) -> None:
    """Refuse what cannot fit before a system kills the process for trying.

    Args:
        what: the data, for the message: ``training samples of mine.npz, 10 × (3, 32, 32) as float32,``.
        needed: bytes.

    Raises:
        DataError: more than there is in all.
    """
    limit = memory_limit()
    if limit is not None and needed > limit:
        raise DataError(f"{what} want {size(needed)} of memory; this machine gives {size(limit)}. {SMALLER}")


@contextmanager
def told_if_full(what: str) -> Iterator[None]:
    """Turn an allocator's error into one that says what was too large.

    Args:
        what: what was being done, for the message: ``reading mine.npz``.

    Raises:
        DataError: memory ran out within.
    """
    try:
        yield
    except MemoryError as problem:
        raise _full(what, problem) from problem
    except RuntimeError as problem:
        if not any(words in str(problem) for words in _ALLOCATORS):
            raise
        raise _full(what, problem) from problem


def _full(what: str, problem: Exception) -> DataError:
    limit = memory_limit()
    have = f"this machine gives {size(limit)}" if limit is not None else "that is more than there is"
    reason = (str(problem).strip() or "memory ran out").splitlines()[0]
    return DataError(f"{what} wants more memory than is free; {have} ({reason}). {SMALLER}.")
