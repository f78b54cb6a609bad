"""Processor time of commands that print text, on an experiment of two arms and two seeds.

python benchmarks/commands.py

Median of 5, in seconds, user and system together; the aims are 0.3 for help and 0.6 for the others.
"""

from __future__ import annotations

import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import droplab

COMMANDS = (
    *("--help", "verdict DIR", "runs DIR", "kinds", "kinds drop_path", "data list", "verdict DIR --lang ja"),
    *("figure DIR", "figure DIR answer", "figure DIR inside"),
)
RESULTS = Path(__file__).parent / "results" / "commands.csv"
SPEC = {
    "name": "commands",
    "data": {"train_size": 100},
    "recipe": {"epochs": 2, "precision": "float32"},
    "seeds": 2,
    "compute": {"executor": "serial", "threads": 1},
}


def seconds(*arguments: str) -> float:
    """Processor time of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "droplab", *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Measure, print and write benchmarks/results/commands.csv."""
    rows = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "x"
        droplab.compare(droplab.ExperimentSpec(**SPEC), out=folder)
        os.environ["DROPLAB_LANG"] = "en"
        for words in COMMANDS:
            arguments = [str(folder) if word == "DIR" else word for word in words.split()]
            seconds(*arguments)  # files come into memory
            median = statistics.median(seconds(*arguments) for _ in range(5))
            rows.append({"command": words, "processor_s": f"{median:.2f}"})
            print(f"{words:24} {median:.2f} s")
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
