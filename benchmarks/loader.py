"""What seeded draws cost beside a bare ``DataLoader``: ``run.loader``, and data that stay on disk in the house's loop.

    make bench

A sample is a compressed picture that is unpacked, cropped and flipped at random, as image files are. All is read here,
in batches of 32; bare and ours take turns, in another order each round. Printed: the processor time of a bare sample,
what ours adds (the fastest of all rounds, as what else the machine does only adds), and the median of the paired ratios
with its standard error. A sample that costs less pays relatively more; tensors and lists draw nothing, are not seeded
and pay nothing.
"""

from __future__ import annotations

import csv
import random
import time
import zlib
from collections.abc import Callable, Iterable
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
    *((64, "torch"), (160, "torch"), (224, "torch"), (224, "numpy"), (224, "nobody")),
)
"""Pixels of a side, and whose generator the transforms draw from; nobody's where they draw nothing, which is not known
before. Without pixels a sample costs next to nothing, and what ours adds is seen best."""
SAMPLES, BATCH = 128, 32
ROUNDS, PICTURES_ROUNDS = 40, 200
"""Of samples that cost nothing, and of pictures, where less than a hundredth is looked for."""
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


def seconds(make: Callable[[], Iterable[Any]]) -> float:
    """Of one pass, of a sample."""
    began = time.thread_time()
    for _ in make():
        pass
    return (time.thread_time() - began) / SAMPLES


def measure(pixels: int, draws: str) -> list[Any]:
    """A row of the table."""
    dataset = Pictures(pixels, draws)
    lazy = LazySamples(dataset, seed=0)
    loaders = Loaders(0, Progress(), SimpleNamespace(tell=None), ALONE)  # type: ignore[arg-type]  # nothing to tell
    ours = loaders.make(dataset, True, {"batch_size": BATCH, "drop_last": False})
    order = torch.arange(SAMPLES)
    kinds: dict[str, Callable[[], Iterable[Any]]] = {
        "bare": lambda: DataLoader(dataset, BATCH, shuffle=True),
        "run.loader": lambda: ours,
        "lazy": lambda: lazy.batches(order, BATCH),
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    rounds = PICTURES_ROUNDS if pixels else ROUNDS
    turns, names = random.Random(0), list(kinds)
    for _ in range(rounds):
        turns.shuffle(names)  # none always comes after the same one
        for kind in names:
            times[kind].append(seconds(kinds[kind]))
    row: list[Any] = [pixels, draws, 1e6 * min(times["bare"])]
    for kind in ("run.loader", "lazy"):
        ratios = [a / b for a, b in zip(times[kind], times["bare"], strict=True)]
        row += [1e6 * (min(times[kind]) - min(times["bare"])), median(ratios), 1.25 * stdev(ratios) / rounds**0.5]
    return row


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    rows = [measure(*case) for case in CASES]
    heads = ["pixels", "draws", "bare_us"]
    heads += [f"{kind}_{what}" for kind in ("run_loader", "lazy") for what in ("adds_us", "ratio", "standard_error")]
    for row in rows:
        print(
            f"{row[0]} x {row[0]} pixels, {row[1]}'s draws, {row[2]:.0f} us a sample: run.loader adds {row[3]:.1f} us, "
            f"{row[4]:.4f} (+-{row[5]:.4f}); data on disk add {row[6]:.1f} us, {row[7]:.4f} (+-{row[8]:.4f})"
        )
    target = Path(__file__).parent / "results" / "loader.csv"
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([heads, *rows])


if __name__ == "__main__":
    main()
