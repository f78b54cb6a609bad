"""Numba's cache on the disk, which may be missing, full, or damaged (it has no checksums, and is not synced)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from numba import cfunc
from numba.core.caching import FunctionCache


def compile_cached(function: Callable[..., Any], signature: Any) -> Any:
    """A function of C's kind, from the cache where that works, else compiled anew.

    A damaged cache is emptied, so that only the first process after the damage has to wait. Where it cannot be, or no
    folder can be written, each process compiles in memory.
    """
    with suppress(Exception):
        return cfunc(signature, nopython=True, cache=True)(function)
    with suppress(Exception):
        FunctionCache(function).flush()
        return cfunc(signature, nopython=True, cache=True)(function)
    return cfunc(signature, nopython=True)(function)
