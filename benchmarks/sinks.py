"""What mirroring costs training: each sink at work against the same sink stopped, side by side in one run.

python benchmarks/sinks.py [--sinks none,tensorboard] [--add]

The demonstration's recipe, 2 arms × 1 seed, carried out as droplab does it on this machine, with a sink attached;
1,000 images an epoch are the worst case, as a sink's work goes by epochs. When the sink has come up, its processes
are stopped (SIGSTOP) and let go on (SIGCONT) every BLOCK epochs. A sink that goes on does the work of both blocks, so
what it costs is the wall time of both over twice that of the stopped one; pairs are averaged, with the standard error.
"none" does the same without a sink: the noise of the machine. Beside it: the CPU seconds that the sink took in all,
with starting, catching up and finishing.
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
import time
from pathlib import Path
from typing import Any

from droplab.execution import run_experiment
from droplab.ledger import Ledger
from droplab.listener import Listener
from droplab.records import Measurement, RunKey
from droplab.spec import parse_spec
from droplab.spec.presets import demo
from droplab.tracking import Tracker

SINKS = ("none", "tensorboard", "trackio", "mlflow", "wandb")
BLOCK = 16
WARM_SECONDS = 25
RESULTS = Path(__file__).resolve().parent / "results" / "sinks.csv"


class Toggle(Listener):
    """Lets a tracker's sinks work in every other block of epochs."""

    def __init__(self) -> None:
        self.tracker: Tracker | None = None
        self.blocks: list[float] = []
        self._first = self._began = time.perf_counter()
        self._seen = -1
        self._over = False

    def epoch(self, key: RunKey, measurement: Measurement) -> None:  # noqa: ARG002  # as listeners hear it
        """Count, and toggle at the end of a block."""
        now = time.perf_counter()
        if now - self._first < WARM_SECONDS or self._over:
            return
        self._seen += 1
        if self._seen % BLOCK == 0:
            if self._seen:
                self.blocks.append(now - self._began)
                self.signal(signal.SIGSTOP if len(self.blocks) % 2 else signal.SIGCONT)
            self._began = time.perf_counter()

    def ended(self, key: RunKey, state: str, reason: str) -> None:  # noqa: ARG002  # as above
        """What comes when the first run has ended is not like what was before."""
        self._over = True

    def signal(self, number: int) -> None:
        """Send a signal to the sinks' processes."""
        for child in self.tracker._children if self.tracker else ():  # noqa: SLF001  # what is stopped is inside
            os.killpg(child.process.pid, number)


def measure(name: str, folder: Path, epochs: int, executor: str) -> dict[str, Any]:
    """One sink."""
    spec = demo()
    spec["recipe"] = {**spec["recipe"], "epochs": epochs}
    spec |= {"seeds": 1, "compute": {"executor": executor}}
    ledger = folder / "ledger.sqlite"
    toggle = Toggle()
    with Tracker(toggle, () if name == "none" else (name,), grace=300) as tracker:
        toggle.tracker = tracker
        try:
            run_experiment(parse_spec(spec), out=folder, listener=tracker)
        finally:
            toggle.signal(signal.SIGCONT)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Ledger.open(ledger) as opened:
        plan = opened.design()["plan"]
    ratios = [(on + off) / (2 * off) for on, off in zip(toggle.blocks[::2], toggle.blocks[1::2], strict=False)]
    return {
        "sink": name,
        "pairs": len(ratios),
        "ratio": round(statistics.fmean(ratios), 4),
        "standard_error": round(statistics.stdev(ratios) / math.sqrt(len(ratios)), 4),
        "median_ratio": round(statistics.median(ratios), 4),
        "sink_cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "epochs_per_second": round(BLOCK / statistics.median(toggle.blocks), 2),
        "how": f"{plan['executor']}, {plan['workers']} × {plan['threads']} thread(s), {plan['precision']}",
    }


def main() -> None:
    """Measure, print and write benchmarks/results/sinks.csv."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=320)
    parser.add_argument("--sinks", default=",".join(SINKS))
    parser.add_argument("--executor", default="auto")
    parser.add_argument("--add", action="store_true", help="keep the other sinks' rows in the results file")
    options = parser.parse_args()
    os.environ["WANDB_MODE"] = "offline"
    rows: dict[str, dict[str, Any]] = {}
    if options.add and RESULTS.exists():
        with RESULTS.open(encoding="utf-8", newline="") as file:
            rows = {row["sink"]: row for row in csv.DictReader(file)}
    with tempfile.TemporaryDirectory() as place:
        os.environ["TRACKIO_DIR"] = str(Path(place) / "trackio")
        for name in options.sinks.split(","):
            rows[name] = measure(name, Path(place) / name, options.epochs, options.executor)
            print(rows[name], flush=True)
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(next(iter(rows.values()))), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


if __name__ == "__main__":
    main()
