"""What a run costs beyond its training: serial, process and ray, one run at a time each.

    python benchmarks/executors.py

A loop that trains nothing has one epoch of one step and a checkpoint of a few numbers. Each executor carries out the
same runs, in turns, on one worker. Printed: milliseconds from the start of one run to the start of the next (the mean,
without the first ones, in which a worker begins), and the seconds from the call to the first run. Ray begins a cluster
on this machine for each turn with ``RAY_ADDRESS=local``.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from torch import nn

import droplab
from droplab.listener import Listener
from droplab.records import RunKey

FIRST = 3
WAYS: dict[str, dict[str, Any]] = {
    "serial": {"executor": "serial"},
    "process": {"executor": "process", "workers": 1},
    "ray": {"executor": "ray"},
}


def trivial(run: droplab.Run) -> None:
    """One epoch of one step."""
    run.prepare(lambda: nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.5)))
    for _ in run.epochs(1):
        with run.step():
            pass
        run.report(val_loss=0.5)


class Clock(Listener):
    """When runs begin."""

    def __init__(self) -> None:
        self.began: list[float] = []

    def started(self, key: RunKey) -> None:  # noqa: ARG002  # as it is called
        """A run begins."""
        self.began.append(time.perf_counter())


def measure(way: str, runs: int, cpus: float) -> tuple[float, float]:
    """Milliseconds per run, and seconds before the first."""
    clock, called = Clock(), time.perf_counter()
    compute = {**WAYS[way], "threads": 1, **({"cpus_per_run": cpus} if way == "ray" else {})}
    with tempfile.TemporaryDirectory() as folder:
        results = droplab.compare(
            trivial, arms=[0, 0.5], seeds=runs // 2, out=Path(folder) / "out", compute=compute, listener=clock
        )
    assert {run.state for run in results.record.runs.values()} == {"done"}
    first, last = clock.began[FIRST], clock.began[-1]
    return 1e3 * (last - first) / (len(clock.began) - FIRST - 1), clock.began[0] - called


def main() -> None:
    """Measure in turns and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=40)
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--ways", default=",".join(WAYS))
    options.add_argument("--cpus", type=float, default=2, help="of a node, so that one run trains at a time")
    options.add_argument("--out", type=Path, help="a CSV file")
    given = options.parse_args()
    ways = given.ways.split(",")
    rows = [(turn, way, *measure(way, given.runs, given.cpus)) for turn in range(given.turns) for way in ways]
    for way in ways:
        found = [row[2:] for row in rows if row[1] == way]
        each, begin = (median(column) for column in zip(*found, strict=True))
        print(f"{way:8}  {each:8.1f} ms a run  {begin:6.2f} s before the first")
    if given.out:
        with given.out.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("turn", "executor", "ms_per_run", "seconds_before"), *rows])


if __name__ == "__main__":
    main()
