"""The house's own loop of this version against that of another: the same experiments, epoch by epoch in turns.

    python benchmarks/versions.py OTHER/src [--epochs 16] [--data-dir DIR]

Both versions run ``droplab.compare`` in a process of their own, on one thread, and wait for each other after every
epoch. Printed: the median of the paired ratios of processor time, this version over the other, with its standard error,
ledger and checkpoints included; and whether all figures are equal to the bit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median, stdev

HERE = Path(__file__).parent.parent / "src"
SPECS = {
    "demonstration, 1,000 images": {"name": "fashion-mnist-mini", "train_size": 1000},
    "CIFAR-10, 2,000 images": {"name": "cifar10", "train_size": 2000, "validation_size": 500},
}
CHILD = """
import json, sys, time
import droplab
from droplab.listener import Listener

class Turns(Listener):
    began = None

    def epoch(self, key, measurement):
        spent = time.process_time() - (self.began or 0.0)
        times = ("seconds", "images_per_second")
        print(json.dumps([spent, {n: v for n, v in measurement.metrics.items() if n not in times}]), flush=True)
        sys.stdin.readline()
        self.began = time.process_time()

spec, folder, data = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
droplab.compare(spec, out=folder, data_dir=data or None, listener=Turns())
"""


def started(source: Path, spec: dict, folder: str, data_dir: str) -> subprocess.Popen[str]:
    """One version, which trains its first epoch, the one that is not counted."""
    command = [sys.executable, "-c", CHILD, json.dumps(spec), folder, data_dir]
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def measure(other: Path, data: dict, epochs: int, data_dir: str) -> tuple[list[float], bool]:
    """Ratios of epochs, and whether figures are equal."""
    recipe = {"epochs": epochs + 1, "precision": "float32"}
    arms = [{"name": "dropout", "p": 0.25}, {"name": "none"}]
    compute = {"executor": "serial", "threads": 1}
    spec = {"data": data, "recipe": recipe, "seeds": 1, "arms": arms, "compute": compute}
    with tempfile.TemporaryDirectory() as folder:
        both = [started(s, spec, f"{folder}/{n}", data_dir) for n, s in (("this", HERE), ("other", other))]
        found: list[list[list]] = [[], []]
        for epoch in range(epochs + 1):
            for place in (0, 1) if epoch % 2 else (1, 0):
                if epoch:
                    both[place].stdin.write("\n")
                    both[place].stdin.flush()
                found[place].append(json.loads(both[place].stdout.readline()))
        for process in both:
            process.kill()
            process.wait()
    pairs = list(zip(*found, strict=True))
    return [this[0] / that[0] for this, that in pairs[1:]], all(this[1] == that[1] for this, that in pairs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the other version's src")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--data-dir", default=os.environ.get("DROPLAB_DATA", ""))
    options = parser.parse_args()
    for name, data in SPECS.items():
        ratios, same = measure(options.other.resolve(), data, options.epochs, options.data_dir)
        error = 1.25 * stdev(ratios) / len(ratios) ** 0.5  # of a median of normal values
        said = "equal to the bit" if same else "OTHERS"
        print(f"{name}: this / other {median(ratios):.4f} ± {error:.4f} of {len(ratios)} epochs; figures {said}")


if __name__ == "__main__":
    main()
