"""Keep freed memory with the process instead of handing it back to the system after every step.

A training step allocates and frees the same large tensors again and again. glibc maps each block over
32 MiB (and at first each over 128 KiB) afresh and returns it on free, so every step pays for zeroed
pages. Measured effect: see ``benchmarks/tutorial_loop.py``, row "allocator".
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3


def keep_freed_memory() -> bool:
    """Raise glibc's thresholds for this process; ``False`` where there is no glibc. Results do not change."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # musl
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 1 << 30)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
