"""The house's own loop of this version against that of another: the same experiments, in turns, on one machine.

    python benchmarks/versions.py OTHER/src [--repeats 7] [--data-dir DIR]

Each repeat runs the demonstration's recipe and the tutorial's on CIFAR-10, in a process of its own for each version,
one after the other, in changing order. Printed: the medians of the paired ratios, this one over the other, with their
standard errors, of the seconds that epochs train and of the processor's seconds for the whole set; and whether all
figures are equal.
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
COMPUTE = {"executor": "serial", "threads": 1}
SPECS = {
    "demonstration": {
        "data": {"name": "fashion-mnist-mini", "train_size": 1000},
        "recipe": {"epochs": 8, "precision": "float32"},
        "seeds": 1,
        "compute": COMPUTE,
    },
    "CIFAR-10, 4,000 images": {
        "data": {"name": "cifar10", "train_size": 4000, "validation_size": 1000},
        "recipe": {"epochs": 2, "precision": "float32"},
        "seeds": 1,
        "compute": COMPUTE,
    },
}
CHILD = """
import json, sys, time
from pathlib import Path
import droplab
spec, folder, data = json.loads(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
droplab.compare({**spec, "recipe": {**spec["recipe"], "epochs": 1}}, out=folder / "warm", data_dir=data or None)
began = time.process_time()
record = droplab.compare(spec, out=folder / "run", data_dir=data or None).record
processor = time.process_time() - began
times = ("seconds", "images_per_second")
figures = {str(key): {n: list(s) for n, s in run.metrics.items() if n not in times} for key, run in record.runs.items()}
seconds = sum(sum(run.metrics["seconds"]) for run in record.runs.values())
print(json.dumps({"training": seconds, "processor": processor, "figures": figures}))
"""


def measure(source: Path, spec: dict, data_dir: str) -> dict:
    """One version, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", CHILD, json.dumps(spec), folder, data_dir]
        environment = {**os.environ, "PYTHONPATH": str(source)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the other version's src")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--data-dir", default=os.environ.get("DROPLAB_DATA", ""))
    options = parser.parse_args()
    sources = {"this": HERE, "other": options.other.resolve()}
    for name, spec in SPECS.items():
        found: list[dict[str, dict]] = []
        for repeat in range(options.repeats):
            order = list(sources)[:: 1 if repeat % 2 else -1]
            found.append({which: measure(sources[which], spec, options.data_dir) for which in order})
        same = all(pair["this"]["figures"] == pair["other"]["figures"] for pair in found)
        print(f"{name}: figures {'are equal to the bit' if same else 'DIFFER'}")
        for what in ("training", "processor"):
            ratios = [pair["this"][what] / pair["other"][what] for pair in found]
            error = 1.25 * stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else float("nan")
            middle = median(pair["other"][what] for pair in found)
            print(f"  {what} seconds, this / other: {median(ratios):.4f} ± {error:.4f} (other: {middle:.2f} s)")


if __name__ == "__main__":
    main()
