"""Load the CPU's kernel ahead of the first job, which would otherwise wait the better part of a second for Numba."""

from __future__ import annotations

import threading
from contextlib import suppress

import torch

from droplab.kernels._dispatch import apply
from droplab.kernels.job import Job

_DTYPES = (torch.float32, torch.bfloat16)
"""What an experiment's layers are given."""


def prepare() -> None:
    """Carry out a job of one element in each dtype. The masks of later jobs do not depend on it."""
    for dtype in _DTYPES:
        x = torch.ones(1, dtype=dtype)
        apply(x, x, Job(0.5, 0))


def prepare_meanwhile() -> threading.Thread:
    """The same on another thread, while data are read."""

    def ahead() -> None:
        with suppress(Exception):  # the first job meets it again, where it can be told
            prepare()

    thread = threading.Thread(target=ahead, name="droplab loads its kernel", daemon=True)
    thread.start()
    return thread
