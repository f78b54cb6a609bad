"""What mirroring costs training: each sink at work against the same sink stopped, side by side in one run.

python benchmarks/sinks.py [--epochs 160]

The demonstration's recipe, 2 arms × 1 seed, one run at a time, with a sink attached. After the sink has come
up, its processes are stopped (SIGSTOP) and let go on (SIGCONT) every BLOCK epochs; the ratio of training
seconds of neighbouring blocks, at work over stopped, is averaged, with its standard error. "none" does the
same without a sink: the noise of the machine. Beside it: the CPU seconds that the sink took in all, with
starting, catching up and finishing, over the CPU seconds that training had.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import resource
import signal
import statistics
import tempfile
from pathlib import Path
from typing import Any

from droplab.experiment import parse_spec, run_experiment
from droplab.experiment.presets import demo
from droplab.listener import Listener
from droplab.records import Measurement, RunKey
from droplab.tracking import Tracker

SINKS = ("none", "tensorboard", "trackio", "mlflow", "wandb")
BLOCK = 8
WARM = 32


class Toggled(Tracker):
    """A tracker whose sinks work in every other block of epochs."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(Listener(), names, grace=300)
        self.blocks: list[float] = []
        self._seen = 0
        self._seconds = 0.0

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """Count, and toggle at the end of a block."""
        super().epoch(key, measurement)
        self._seen += 1
        if self._seen <= WARM:
            return
        self._seconds += measurement.metrics["seconds"]
        if (self._seen - WARM) % BLOCK == 0:
            self.blocks.append(self._seconds)
            self._seconds = 0.0
            self._signal(signal.SIGSTOP if len(self.blocks) % 2 else signal.SIGCONT)

    def close(self) -> None:
        """Let everything finish."""
        self._signal(signal.SIGCONT)
        super().close()

    def _signal(self, number: int) -> None:
        for child in self._children:
            os.killpg(child.process.pid, number)


def measure(name: str, folder: Path, epochs: int) -> dict[str, Any]:
    """One sink."""
    spec = demo()
    spec["recipe"] = {**spec["recipe"], "epochs": epochs, "precision": "float32"}
    spec |= {"seeds": 1, "compute": {"executor": "serial"}}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    with Toggled(() if name == "none" else (name,)) as tracker:
        run_experiment(parse_spec(spec), out=folder, listener=tracker)
    after, mine = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
    ratios = [on / off for on, off in zip(tracker.blocks[::2], tracker.blocks[1::2], strict=False)]
    sink = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    training = mine.ru_utime + mine.ru_stime - own.ru_utime - own.ru_stime
    return {
        "sink": name,
        "pairs": len(ratios),
        "ratio": round(statistics.fmean(ratios), 4),
        "standard_error": round(statistics.stdev(ratios) / math.sqrt(len(ratios)), 4),
        "median_ratio": round(statistics.median(ratios), 4),
        "sink_cpu_seconds": round(sink, 1),
        "training_cpu_seconds": round(training, 1),
    }


def main() -> None:
    """Measure, print and write benchmarks/results/sinks.csv."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=160)
    parser.add_argument("--sinks", default=",".join(SINKS))
    options = parser.parse_args()
    os.environ["WANDB_MODE"] = "offline"
    rows = []
    with tempfile.TemporaryDirectory() as place:
        os.environ["TRACKIO_DIR"] = str(Path(place) / "trackio")
        for name in options.sinks.split(","):
            rows.append(measure(name, Path(place) / name, options.epochs))
            print(rows[-1], flush=True)
    target = Path(__file__).resolve().parent / "results" / "sinks.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
