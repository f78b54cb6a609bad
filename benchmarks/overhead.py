"""What the ledger, the norms and the histograms cost beside training and evaluation. In one run, as a ratio.

    make bench

Epochs with and without them alternate (evaluation passes run in both), on the demonstration's recipe and data:
small epochs, so the worst case. Printed: the ratio of median epoch times, and the seconds that the extras take
by themselves, directly timed, as a share of an epoch.
"""

from __future__ import annotations

import csv
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch

from droplab.data import load
from droplab.experiment import ArmSpec, Ledger, parse_spec
from droplab.experiment.allocator import keep_freed_memory
from droplab.experiment.presets import demo
from droplab.experiment.tensors import workbench
from droplab.experiment.train import Trainer
from droplab.experiment.watch import watch
from droplab.records import RunKey

EPOCHS = 25


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    keep_freed_memory()
    spec = parse_spec(demo())
    split = load(spec.data.name, train_size=spec.data.train_size)
    bench = workbench(split, spec.recipe.fit_size, torch.device("cpu"))
    silent = spec.model_copy(update={"recipe": spec.recipe.model_copy(update={"watch_every": 0})})
    arm, key = ArmSpec(name="arm", p=0.5), RunKey("arm", 0)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.create(Path(folder, "ledger.sqlite"), {"spec": spec.canonical()}, [key])
        trainers = {
            "with": Trainer(spec, arm, 0, bench, "float32"),
            "without": Trainer(silent, arm, 0, bench, "float32"),
        }
        times: dict[str, list[float]] = {"with": [], "without": [], "extras": []}
        for epoch in range(EPOCHS):
            for kind in ("with", "without") if epoch % 2 else ("without", "with"):
                began = time.perf_counter()
                measurement = trainers[kind].epoch(epoch % spec.recipe.epochs)
                if kind == "with":
                    ledger.commit_epoch(key, replace(measurement, epoch=epoch))
                times[kind].append(time.perf_counter() - began)
            began = time.perf_counter()
            norms, histograms = watch(trainers["with"].model)
            metrics = {**measurement.metrics, **norms}
            ledger.commit_epoch(key, replace(measurement, epoch=epoch, metrics=metrics, histograms=histograms))
            times["extras"].append(time.perf_counter() - began)
        ledger.close()
    with_, without, extras = (median(times[name]) for name in ("with", "without", "extras"))
    print(f"{len(bench.train)} images per epoch, batch {spec.recipe.batch_size}, {EPOCHS} epochs each, interleaved")
    print(f"epoch without  {without:.4f} s\nepoch with     {with_:.4f} s   ratio {with_ / without:.4f}")
    print(f"ledger, norms and histograms by themselves: {extras * 1e3:.2f} ms, {extras / without:.2%} of an epoch")
    target = Path(__file__).parent / "results" / "overhead.csv"
    target.parent.mkdir(exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["what", "median", "lowest", "highest"])
        writer.writerows([name, median(values), min(values), max(values)] for name, values in times.items())


if __name__ == "__main__":
    main()
