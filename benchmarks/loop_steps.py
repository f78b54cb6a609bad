"""What a step of one's own loop costs: ``run.step`` beside ``droplab.keyed`` alone, and beside no block at all.

    make bench

A model of linear layers, each with its dropout, is trained through ``droplab.compare`` on batches of 32. Three kinds of
steps alternate: the loop's body within ``run.step``, within ``keyed``, and bare (masks are then drawn from torch's
generator). Printed: the microseconds of an empty block of either (the fastest of many bursts, as what else the machine
does only adds), and the median of the paired ratios of processor time with its standard error.
"""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import median, stdev
from typing import Any

import torch
from torch import nn

import droplab

Block = Callable[[], AbstractContextManager[Any]]
LAYERS = (20, 62, 100)
ROUNDS, STEPS, BURSTS, BURST = 40, 10, 600, 5


class Network(nn.Sequential):
    """So many linear layers with dropout."""

    def __init__(self, layers: int) -> None:
        super().__init__(*(nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.1)) for _ in range(layers)))


def seconds(block: Block, body: Callable[[], None], count: int, clock: Callable[[], float] = time.thread_time) -> float:
    """Of one step; all work is in this thread."""
    began = clock()
    for _ in range(count):
        with block():
            body()
    return (clock() - began) / count


def empty(block: Block) -> float:
    """Microseconds of a step in which nothing happens."""
    return 1e6 * min(seconds(block, lambda: None, BURST, time.perf_counter) for _ in range(BURSTS))


def measure(run: droplab.Run, layers: int, rows: list[list[Any]]) -> None:
    """The loop: measures, and reports what it has to."""
    model = run.prepare(lambda: Network(layers))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    x, ids = torch.randn(32, 32), torch.arange(32)
    blocks: dict[str, Block] = {
        "run.step": lambda: run.step(samples=ids),
        "keyed": lambda: droplab.keyed(model, seed=1, step=2, samples=ids),
        "bare": nullcontext,
    }

    def body() -> None:
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()

    for _ in run.epochs(1, optimizer=optimizer):
        times: dict[str, list[float]] = {name: [] for name in blocks}
        for number in range(ROUNDS):
            for name in list(blocks)[:: 1 if number % 2 else -1]:
                times[name].append(seconds(blocks[name], body, STEPS))
        row: list[Any] = [layers, *(empty(blocks[name]) for name in ("run.step", "keyed"))]
        row.append(1e6 * min(times["bare"]))
        for other in ("bare", "keyed"):
            ratios = [a / b for a, b in zip(times["run.step"], times[other], strict=True)]
            row += [median(ratios), 1.25 * stdev(ratios) / len(ratios) ** 0.5]  # of a median of normal values
        rows.append(row)
        run.report(val_loss=0.0)


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    rows: list[list[Any]] = []
    for layers in LAYERS:
        with tempfile.TemporaryDirectory() as folder:

            def train(run: droplab.Run, layers: int = layers) -> None:
                measure(run, layers, rows)

            compute = {"executor": "serial", "threads": 1}
            droplab.compare(train, arms=[0.1], seeds=1, out=Path(folder) / "steps", compute=compute)
    for layers, step, keyed, bare, ratio, error, beside, beside_error in rows:
        print(f"{layers} layers: {step:.1f} µs an empty run.step, {keyed:.1f} keyed, {bare:.0f} a bare step")
        print(f"  run.step / bare: {ratio:.4f} ± {error:.4f}; run.step / keyed: {beside:.4f} ± {beside_error:.4f}")
    target = Path(__file__).parent / "results" / "loop_steps.csv"
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([
            "layers", "run_step_us", "keyed_us", "bare_step_us",
            "ratio_to_bare", "standard_error_bare", "ratio_to_keyed", "standard_error_keyed",
        ])  # fmt: skip
        writer.writerows(rows)


if __name__ == "__main__":
    main()
