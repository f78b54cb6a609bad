"""Whether data read the same twice. What is drawn anew at each reading would be frozen at loading, unnoticed."""

from __future__ import annotations

import random
from typing import Any

import torch

from droplab import global_numpy

Drawn = tuple[Any, ...]


def generators() -> Drawn:
    """Where the global generators of torch, numpy and random stand; compare two with ``have_drawn``."""
    return torch.get_rng_state(), random.getstate(), global_numpy.standing()


def have_drawn(before: Drawn, after: Drawn) -> bool:
    """Whether something drew from a global generator in between.

    >>> before = generators()
    >>> have_drawn(before, generators())
    False
    """
    return not torch.equal(before[0], after[0]) or before[1:] != after[1:]


ADVICE = (
    "Whatever is random in it would be drawn once, at loading, and another time when the experiment is continued. "
    "Leave random transforms out (recipe.augmentation has flip-crop), or draw them from a generator that is seeded by "
    "the sample"
)
"""What to do about it, for a message."""
