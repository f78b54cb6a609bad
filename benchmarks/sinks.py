"""What mirroring costs: training with each sink on against off, side by side in one run.

python benchmarks/sinks.py [--repeats 3] [--epochs 40]

The demonstration's recipe, 2 arms × 1 seed, alternately without a sink and with each; the ratio is that of
the training seconds that the ledger holds (evaluation not counted), with its standard error over repeats.
A sink finishes in its own process after training; that time is shown, and is not training time.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import statistics
import tempfile
import time
from pathlib import Path

import droplab
from droplab.experiment.presets import demo

SINKS = ("tensorboard", "trackio", "mlflow", "wandb")


def train(folder: Path, epochs: int, track: tuple[str, ...]) -> tuple[float, float]:
    """Seconds of training, and seconds of the whole call."""
    spec = demo()
    spec["recipe"] = {**spec["recipe"], "epochs": epochs, "precision": "float32"}
    spec |= {"seeds": 1, "compute": {"executor": "serial"}}
    began = time.perf_counter()
    results = droplab.compare(spec, out=folder, track=track)
    whole = time.perf_counter() - began
    return sum(sum(run.metrics["seconds"]) for run in results.record.runs.values()), whole


def main() -> None:
    """Measure, print and write benchmarks/results/sinks.csv."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()
    os.environ |= {"WANDB_MODE": "offline", "DROPLAB_TRACK_GRACE": "300"}
    ratios: dict[str, list[float]] = {name: [] for name in SINKS}
    after: dict[str, list[float]] = {name: [] for name in SINKS}
    with tempfile.TemporaryDirectory() as place:
        os.environ["TRACKIO_DIR"] = str(Path(place) / "trackio")
        train(Path(place) / "warm", 2, ())
        for repeat in range(options.repeats):
            for name in SINKS:
                off = train(Path(place) / f"{repeat}-{name}-off", options.epochs, ())
                on = train(Path(place) / f"{repeat}-{name}-on", options.epochs, (name,))
                ratios[name].append(on[0] / off[0])
                after[name].append(on[1] - on[0] - (off[1] - off[0]))
                print(
                    f"{repeat} {name:12} training × {ratios[name][-1]:.4f}, {after[name][-1]:+.1f} s beside it",
                    flush=True,
                )
    target = Path(__file__).resolve().parent / "results" / "sinks.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sink", "repeats", "ratio", "standard_error", "seconds_beside_training"])
        for name in SINKS:
            found, beside = ratios[name], statistics.fmean(after[name])
            mean = statistics.fmean(found)
            error = statistics.stdev(found) / math.sqrt(len(found)) if len(found) > 1 else math.nan
            writer.writerow([name, options.repeats, f"{mean:.4f}", f"{error:.4f}", f"{beside:.1f}"])
            print(f"{name:12} {mean:.4f} ± {error:.4f}")


if __name__ == "__main__":
    main()
