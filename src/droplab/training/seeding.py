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

from droplab import global_numpy
from droplab.errors import CheckpointError

_TWISTER = "MT19937"


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
    global_numpy.seed(value)
    random.seed(value)


def generators_state() -> dict[str, Any]:
    """State of every global generator, as values that ``torch.load(weights_only=True)`` accepts."""
    version, numbers, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": _numpy_state(),
        "python": [version, torch.tensor(numbers), gauss],
    }


def restore_generators(state: dict[str, Any]) -> None:
    """The inverse of ``generators_state``."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    _restore_numpy(state["numpy"])
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers.tolist()), gauss))


def _numpy_state() -> Any:
    found = global_numpy.state()
    if found["bit_generator"] != _TWISTER:
        return global_numpy.without_arrays(found)
    twister = found["state"]
    keys = torch.from_numpy(twister["key"].astype(np.int64))
    return [_TWISTER, keys, int(twister["pos"]), int(found["has_gauss"]), found["gauss"]]


def _restore_numpy(kept: Any) -> None:
    name = kept["bit_generator"] if isinstance(kept, dict) else kept[0]
    if global_numpy.state()["bit_generator"] != name:
        kind = getattr(np.random, name, None)
        if kind is None:
            raise CheckpointError(
                f"the checkpoint was made while NumPy's global generator was a {name}, which is none of NumPy's own; "
                "set it where your module is imported: np.random.set_bit_generator(...)"
            )
        global_numpy.use(kind(0))  # its run's own: the caller has his again afterwards
    if isinstance(kept, dict):
        np.random.set_state(global_numpy.with_arrays(kept))  # noqa: NPY002  # the one that models use
    else:
        _, keys, *rest = kept
        np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002  # as above


@contextmanager
def borrowed_generators() -> Iterator[None]:
    """Give the caller's global generators back as they were."""
    before, numpy = generators_state(), global_numpy.current()
    try:
        yield
    finally:
        global_numpy.use(numpy)
        restore_generators(before)
