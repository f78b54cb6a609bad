"""Standard threads for kernels that hold no GIL. Safe under fork (a child starts its own) and for many callers at once.

Numba's own layers are not: ``omp`` kills forked children, ``workqueue`` aborts on concurrent callers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_pool: ThreadPoolExecutor | None = None
_size = 0


def _forget() -> None:
    global _pool, _size  # a forked child has none of its parent's threads
    _pool, _size = None, 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _workers(count: int) -> ThreadPoolExecutor:
    global _pool, _size  # grown when more are wanted; an old pool ends when it is free
    pool = _pool
    if pool is None or _size < count:
        pool = ThreadPoolExecutor(count, thread_name_prefix="droplab")
        _pool, _size = pool, count
    return pool


def share(work: Callable[[int, int], object], units: int, threads: int) -> None:
    """``work(start, stop)`` over ``units`` in equal parts, one of them on the calling thread."""
    if threads <= 1:
        work(0, units)
        return
    edges = [units * part // threads for part in range(threads + 1)]
    pool = _workers(threads - 1)
    others = [pool.submit(work, edges[part], edges[part + 1]) for part in range(1, threads)]
    try:
        work(0, edges[1])
    finally:
        for other in others:
            other.result()
