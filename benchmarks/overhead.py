"""What the ledger, the norms and the histograms cost beside training and evaluation. In one run, as a ratio.

    make bench

Epochs with and without them alternate (evaluation passes run in both): on the demonstration, whose epochs of 1,000
images are the worst case, and on the tutorial's recipe with 3,000 images. Printed: the median of the paired ratios
with its standard error, and the seconds of the extras by themselves, as a share of an epoch without them.
"""

from __future__ import annotations

import csv
import tempfile
import time
from pathlib import Path
from statistics import median, stdev

import torch
from alone import Alone

from droplab.data import load
from droplab.execution.calibrate import choose_plan
from droplab.ledger import Ledger
from droplab.records import Measurement, RunKey
from droplab.spec import ArmSpec, ExperimentSpec, parse_spec
from droplab.spec.presets import demo
from droplab.training.allocator import keep_freed_memory
from droplab.training.norms import watch
from droplab.training.samples import lay_out

SETTINGS = (("demonstration", demo(), 60), ("tutorial recipe, 3,000 images", {}, 20))


def measure(spec: ExperimentSpec, epochs: int, folder: Path) -> tuple[dict[str, list[float]], str]:
    """Seconds of every epoch with and without, and of the extras by themselves; the precision that was faster."""
    data = load(spec.data.name, train_size=spec.data.train_size)
    bench = lay_out(data, spec.recipe.fit_size, torch.device("cpu"))
    recipe = spec.recipe.model_copy(update={"epochs": epochs + 1, "watch_every": 1})
    watched = spec.model_copy(update={"recipe": recipe})
    silent = spec.model_copy(update={"recipe": recipe.model_copy(update={"watch_every": 0})})
    arm, key = ArmSpec(name="arm", p=0.5), RunKey("arm", 0)
    precision = choose_plan(spec, bench, 1, None, data.fingerprint, str)[0].precision
    loud, quiet = Alone(watched, arm, 0, bench, precision), Alone(silent, arm, 0, bench, precision)
    times: dict[str, list[float]] = {"with": [], "without": [], "extras": []}
    with Ledger.create(folder / "ledger.sqlite", {"spec": spec.canonical()}, [key]) as ledger:

        def with_() -> None:
            ledger.commit_epoch(key, loud.epoch())

        def without() -> None:
            quiet.epoch()

        def extras() -> None:
            norms, histograms = watch(loud.model)
            ledger.commit_epoch(key, Measurement(0, norms, histograms))

        for epoch in range(epochs):
            for task in (with_, without, extras) if epoch % 2 else (without, with_, extras):
                began = time.perf_counter()
                task()
                times[task.__name__.rstrip("_")].append(time.perf_counter() - began)
    return times, precision


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    keep_freed_memory()
    rows = []
    for name, values, epochs in SETTINGS:
        with tempfile.TemporaryDirectory() as folder:
            spec = parse_spec({**values, "compute": {"threads": 1}})
            times, precision = measure(spec, epochs, Path(folder))
        ratios = [a / b for a, b in zip(times["with"], times["without"], strict=True)]
        error = 1.25 * stdev(ratios) / len(ratios) ** 0.5  # of a median of normal values
        share = median(times["extras"]) / median(times["without"])
        print(f"{name}: {epochs} epochs each, {precision}, {median(times['without']):.3f} s without")
        print(f"  with / without: {median(ratios):.4f} ± {error:.4f}")
        print(f"  extras by themselves: {median(times['extras']) * 1e3:.2f} ms, {share:.2%} of an epoch")
        rows.append([name, precision, epochs, median(times["without"]), median(ratios), error, share])
    target = Path(__file__).parent / "results" / "overhead.csv"
    target.parent.mkdir(exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["setting", "precision", "epochs", "seconds_without", "median_ratio", "standard_error", "extras_share"]
        )
        writer.writerows(rows)


if __name__ == "__main__":
    main()
