"""What seeded draws cost beside a bare ``DataLoader``: ``run.loader``, and data that stay on disk in the house's loop.

    make bench

A sample is a compressed picture that is unpacked, cropped and flipped at random, as image files are. All is read here,
in batches of 32. Loaders take turns at every batch, in another order each time, so that what the machine does meanwhile
meets all alike; a second bare one shows how far two of the same are apart. Freed memory stays with the process, as
otherwise who of them has to ask the system for it again is a matter of chance, and takes longer than all that is
measured here. Printed: the processor time of a bare sample, what the others add (the fastest of all passes), and the
median of the paired ratios of passes with its standard error. A sample that costs less pays relatively more; tensors
and lists draw nothing, are not seeded and pay nothing.
"""

from __future__ import annotations

import csv
import ctypes
import random
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from statistics import median, stdev
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from droplab.data import LazySamples
from droplab.training.loaders import Loaders
from droplab.training.progress import Progress
from droplab.training.ranks import ALONE

CASES = (
    *((0, draws) for draws in ("torch", "numpy", "python", "nobody")),
    *((64, "torch"), (112, "torch"), (160, "torch"), (224, "torch"), (224, "numpy"), (224, "nobody")),
)
"""Pixels of a side, and whose generator the transforms draw from; nobody's where they draw nothing, which is not known
before. Without pixels a sample costs next to nothing, and what ours adds is seen best."""
SAMPLES, BATCH = 128, 32
ROUNDS = 150
"""Passes of each."""
NOTHING = torch.zeros(4)
DRAWS: dict[str, Callable[[], float]] = {
    "torch": lambda: float(torch.rand(())),
    "numpy": np.random.rand,
    "python": random.random,
    "nobody": lambda: 0.5,
}


class Pictures(Dataset[Any]):
    """Smooth pictures with a little noise, in memory as a file would have them."""

    def __init__(self, pixels: int, draws: str) -> None:
        draw, self.pixels, self.draws = np.random.default_rng(0), pixels, draws
        slope = np.add.outer(np.arange(pixels), np.arange(pixels))[..., None] % 256
        self.packed = [
            zlib.compress((slope + draw.integers(0, 16, (pixels, pixels, 3))).astype(np.uint8).tobytes())
            for _ in range(16)
        ]

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if not self.pixels:
            return NOTHING, index + round(sum(DRAWS[self.draws]() for _ in range(3)))
        raw = np.frombuffer(bytearray(zlib.decompress(self.packed[index % 16])), np.uint8)
        picture = torch.from_numpy(raw).reshape(self.pixels, self.pixels, 3)
        if self.draws == "torch":
            top, left, flip = *torch.randint(self.pixels // 8, (2,)).tolist(), bool(torch.rand(()) < 0.5)
        elif self.draws == "nobody":
            top, left, flip = index % (self.pixels // 8), index % 7, index % 2 == 0
        else:
            top, left, flip = *np.random.randint(self.pixels // 8, size=2), np.random.rand() < 0.5  # noqa: NPY002
        size = self.pixels * 7 // 8
        picture = picture[top : top + size, left : left + size].permute(2, 0, 1).float().div_(127.5).sub_(1)
        return (picture.flip(2) if flip else picture), index % 10


def keep_memory() -> None:
    """What is freed is not given back to the system, where the C library is glibc."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        trim, mapped_from = -1, -3
        libc.mallopt(trim, 2**31 - 1)
        libc.mallopt(mapped_from, 2**25)


class Turns:
    """A loader that is asked for a batch at a time, pass after pass."""

    def __init__(self, make: Callable[[], Iterable[Any]]) -> None:
        self._make, self._batches, self._batch = make, iter(()), None
        self.passes: list[float] = []
        """Of a sample, of each pass, with all that beginning and ending it take."""

    def begin(self) -> None:
        """The next pass."""
        self.passes.append(0.0)
        began = time.thread_time()
        self._batches = iter(self._make())
        self.passes[-1] += (time.thread_time() - began) / SAMPLES

    def ask(self) -> None:
        """For a batch, or the end; a loop has the one before in hand until then."""
        began = time.thread_time()
        self._batch = next(self._batches, None)
        self.passes[-1] += (time.thread_time() - began) / SAMPLES


def measure(pixels: int, draws: str) -> list[Any]:
    """A row of the table."""
    dataset = Pictures(pixels, draws)
    lazy = LazySamples(dataset, seed=0)
    loaders = Loaders(0, Progress(), SimpleNamespace(tell=None), ALONE)  # type: ignore[arg-type]  # nothing to tell
    ours = loaders.make(dataset, True, {"batch_size": BATCH, "drop_last": False})
    order = torch.arange(SAMPLES)
    kinds = {
        "bare": Turns(lambda: DataLoader(dataset, BATCH, shuffle=True)),
        "bare again": Turns(lambda: DataLoader(dataset, BATCH, shuffle=True)),
        "run.loader": Turns(lambda: ours),
        "lazy": Turns(lambda: lazy.batches(order, BATCH)),
    }
    order_of_turns, names = random.Random(0), list(kinds)
    for _ in range(ROUNDS + 1):
        for name in names:
            kinds[name].begin()
        for _ in range(SAMPLES // BATCH + 1):
            order_of_turns.shuffle(names)  # none always comes after the same one
            for name in names:
                kinds[name].ask()
    times = {name: turns.passes[1:] for name, turns in kinds.items()}
    bare = times.pop("bare")
    row: list[Any] = [pixels, draws, 1e6 * min(bare)]
    for found in times.values():
        ratios = [a / b for a, b in zip(found, bare, strict=True)]
        row += [1e6 * (min(found) - min(bare)), median(ratios), 1.25 * stdev(ratios) / ROUNDS**0.5]
    return row


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    keep_memory()
    rows = [measure(*case) for case in CASES]
    kinds = ("bare_again", "run_loader", "lazy")
    heads = ["pixels", "draws", "bare_us"]
    heads += [f"{kind}_{what}" for kind in kinds for what in ("adds_us", "ratio", "standard_error")]
    for pixels, draws, bare, *found in rows:
        print(f"{pixels} x {pixels} pixels, {draws}'s draws, {bare:.0f} us a sample")
        for kind, at in zip(kinds, range(0, 9, 3), strict=True):
            adds, ratio, error = found[at : at + 3]
            print(f"  {kind:11s}adds {adds:5.1f} us, {ratio:.4f} (+-{error:.4f})")
    target = Path(__file__).parent / "results" / "loader.csv"
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([heads, *rows])


if __name__ == "__main__":
    main()
