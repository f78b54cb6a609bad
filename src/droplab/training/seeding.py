"""From the seed of a run to its random streams, and the state of all generators at once.

A run has three streams, so that arms of one seed share what they must share whatever else they draw:
initial weights, order of the data (one generator per epoch), and masks with augmentation's draws apart.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def derive(seed: int, purpose: str, index: int = 0) -> int:
    """A 63-bit seed for one purpose of a run: the first bits of a SHA-256 of all three.

    >>> derive(0, "order", 1) != derive(0, "order", 2) != derive(0, "masks", 2)
    True
    """
    text = f"droplab/{purpose}/{seed}/{index}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def seed_everything(seed: int, purpose: str) -> None:
    """Seed torch (all devices), NumPy and Python for one purpose of a run."""
    value = derive(seed, purpose)
    torch.manual_seed(value)
    np.random.seed(value % 2**32)  # noqa: NPY002  # user models may draw from the global generator
    random.seed(value)


def generators_state() -> dict[str, Any]:
    """State of every global generator, as values that ``torch.load(weights_only=True)`` accepts."""
    name, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002
    version, numbers, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [
            str(name),
            torch.from_numpy(np.asarray(keys, np.int64)),
            int(position),
            int(has_gauss),
            cached,
        ],
        "python": [version, torch.tensor(numbers), gauss],
    }


def restore_generators(state: dict[str, Any]) -> None:
    """The inverse of ``generators_state``."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers.tolist()), gauss))


@contextmanager
def borrowed_generators() -> Iterator[None]:
    """Give the caller's global generators back as they were."""
    before = generators_state()
    try:
        yield
    finally:
        restore_generators(before)
