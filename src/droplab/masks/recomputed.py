"""Activation checkpointing computes a forward pass again, which must draw what the first one drew."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from droplab.errors import KeyingError


def check_recomputed(now: Iterable[Tensor], then: Iterable[Tensor]) -> None:
    """Raise unless what tells a call from others is, recomputed, what it was in the forward pass.

    >>> check_recomputed([torch.tensor(1)], [torch.tensor(2)])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    droplab.errors.KeyingError: activation checkpointing recomputed a layer under another key than its forward pass ...
    """
    if not all(torch.equal(*pair) for pair in zip(now, then, strict=True)):
        raise KeyingError(
            "activation checkpointing recomputed a layer under another key than its forward pass had. "
            "Call backward() inside the `with droplab.keyed(...)` block of its forward pass, before the next."
        )
