"""The tutorial's loop as published against droplab: same model, batch size 32, number of steps, one machine.

    make bench ARGS="--data-dir DIR"

Every configuration runs in a process of its own, interleaved, and medians are compared; their spread is printed.
droplab runs as its user gets it: precision, executor and threads are what it measures and chooses. (1) One run:
images per second of training, and where the gain comes from: the published loop's habits taken away one by one. (2)
The two-run set, wall clock from start to end with evaluation: published one after the other, droplab by its command.
(3) Validation accuracy over seeds. ``--add`` keeps the repeats already in the results file and adds more.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median, stdev

STEPS = (
    ("as published", {}),
    ("without wandb.watch", {"watch": False}),
    ("tensors in memory, no DataLoader", {"loader": False}),
    ("one zero_grad, no Python sum", {"waste": False}),
    ("channels last", {"nchw": False}),
    ("fused Adam", {"unfused": False}),
    ("max-pool before ReLU", {"relu_first": False}),
    ("moments of dead units forgotten", {"faded": False}),
    ("freed memory kept (droplab's own loop)", "float32"),
    ("bfloat16 autocast, where it measures faster", "auto"),
)
PARTS = ("attribution", "set", "accuracy")
RESULTS = Path(__file__).parent / "results" / "tutorial_loop.csv"
Row = tuple[str, str, str, float]
"""Part, what, how it ran, value."""


def child(job: dict) -> dict:
    """One configuration, in this process."""
    import numpy as np
    import torch

    from droplab.data import load
    from droplab.execution.environment import cores

    torch.set_num_threads(cores())
    split = load("cifar10", data_dir=job["data_dir"] and Path(job["data_dir"]), train_size=job["images"])
    if job["kind"] == "published":
        from published_loop import Habits, Images, train

        habits = Habits()
        for _, change in STEPS[: job["step"] + 1]:
            habits = replace(habits, **change)
        parts = [
            Images(np.ascontiguousarray(part.images.permute(0, 2, 3, 1).numpy()), part.labels.numpy())
            for part in (split.train, split.validation)
        ]
        return train(*parts, job["p"], job["epochs"], job["seed"], habits)
    from alone import Alone

    from droplab.execution.calibrate import choose_plan
    from droplab.spec import ArmSpec, parse_spec
    from droplab.training.samples import lay_out

    values = {"data": {"name": "cifar10"}, "recipe": {"epochs": job["epochs"], "precision": job["precision"]}}
    spec, bench = parse_spec(values), lay_out(split, 5000, torch.device("cpu"))
    plan, *_ = choose_plan(spec, bench, 1, None, split.fingerprint, str)
    run = Alone(spec, ArmSpec(name="arm", p=job["p"]), job["seed"], bench, plan.precision)
    began = time.perf_counter()
    metrics = [run.epoch().metrics for _ in range(job["epochs"])]
    return {
        "training": sum(m["seconds"] for m in metrics),
        "seconds": time.perf_counter() - began,
        "accuracy": metrics[-1]["val_accuracy"],
        "how": plan.precision,
    }


def measure(**job: object) -> dict:
    """One configuration, in a process of its own."""
    command = [sys.executable, __file__, "--child", json.dumps(job)]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "WANDB_DIR": folder, "WANDB_SILENT": "true", "WANDB_MODE": "offline"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def attribution(images: int, data_dir: str | None) -> Iterator[Row]:
    """Images per second of one epoch, each habit taken away."""
    for step, (name, change) in enumerate(STEPS):
        loop = {"kind": "published", "step": step} if isinstance(change, dict) else {"kind": "droplab"}
        job = {**loop, "precision": change, "p": 0.25, "images": images, "epochs": 1, "seed": 0, "data_dir": data_dir}
        result = measure(**job)
        yield "attribution", name, result.get("how", "float32"), images / result["training"]


def two_runs(images: int, epochs: int, data_dir: str | None) -> Iterator[Row]:
    """Images per second and wall seconds of the tutorial's two runs."""
    job = {"kind": "published", "step": 0, "images": images, "epochs": epochs, "seed": 0, "data_dir": data_dir}
    alone = [measure(**job, p=p) for p in (0.0, 0.25)]
    speed = 2 * images * epochs / sum(run["training"] for run in alone)
    yield "two runs: images per second", "as published", "one after the other", speed
    yield "two runs: wall seconds", "as published", "one after the other", sum(run["seconds"] for run in alone)
    spec = f'[data]\nname = "cifar10"\ntrain_size = {images}\n[recipe]\nepochs = {epochs}\n'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "set.toml")
        path.write_text(spec, encoding="utf-8")
        command = [sys.executable, "-m", "droplab", "compare", str(path), "--seeds", "1", "--out", f"{folder}/out"]
        command += ["--data-dir", data_dir] if data_dir else []
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - began
        from droplab.ledger import Ledger

        with Ledger.open(Path(folder, "out", "ledger.sqlite")) as ledger:
            plan, record = ledger.design()["plan"], ledger.read()
    training = [sum(run.metrics["seconds"]) for run in record.runs.values()]
    together = max(training) if plan["executor"] == "process" else sum(training)
    how = f"{plan['executor']}, {plan['workers']} × {plan['threads']} thread(s), {plan['precision']}"
    yield "two runs: images per second", "droplab", how, 2 * images * epochs / together
    yield "two runs: wall seconds", "droplab", how, seconds


def accuracy(images: int, epochs: int, seeds: list[int], data_dir: str | None) -> Iterator[Row]:
    """Validation accuracy after the last epoch, one value for each seed."""
    for seed in seeds:
        for kind, name in (("published", "as published"), ("droplab", "droplab")):
            job = {"kind": kind, "step": 1, "precision": "auto", "images": images, "epochs": epochs, "seed": seed}
            result = measure(**job, p=0.25, data_dir=data_dir)
            yield "accuracy", name, result.get("how", "float32"), result["accuracy"]


def report(rows: list[Row]) -> None:
    """Print medians, spreads and ratios of all repeats."""
    values: dict[str, dict[str, list[float]]] = {}
    how: dict[tuple[str, str], set[str]] = {}
    for part, what, manner, value in rows:
        values.setdefault(part, {}).setdefault(what, []).append(value)
        how.setdefault((part, what), set()).add(manner)
    for part, found in values.items():
        first = before = median(next(iter(found.values())))
        print(f"\n{part}")
        for what, repeats in found.items():
            middle, manner = median(repeats), "; ".join(sorted(how[part, what]))
            if part == "accuracy":
                spread = stdev(repeats) if len(repeats) > 1 else float("nan")
                print(f"  {what:44} {fmean(repeats):.4f} ± {spread:.4f} (sd of {len(repeats)})  {manner}")
                continue
            spread = f"[{min(repeats):.0f}, {max(repeats):.0f}] of {len(repeats)}"
            ratio = f"× {middle / before:.2f}, × {middle / first:.2f} in all"
            print(f"  {what:44} {middle:7.0f}  {spread:22} {ratio:26} {manner}")
            before = middle


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", default=os.environ.get("DROPLAB_DATA"))
    parser.add_argument("--parts", default=",".join(PARTS), help="which of attribution, set, accuracy")
    parser.add_argument("--repeats", type=int, default=3, help="of attribution and set; accuracy has its seeds")
    parser.add_argument("--images", type=int, default=40000, help="training images of a speed measurement")
    parser.add_argument("--set-epochs", type=int, default=3, help="epochs of the two-run set")
    parser.add_argument("--accuracy-images", type=int, default=20000)
    parser.add_argument("--seeds", default="0,1,2,3,4,5", help="of the accuracy")
    parser.add_argument("--add", action="store_true", help="keep the repeats in the results file")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(json.loads(options.child))))
        return
    rows: list[Row] = []
    if options.add and RESULTS.exists():
        with RESULTS.open(encoding="utf-8", newline="") as file:
            rows = [(r["part"], r["what"], r["how"], float(r["value"])) for r in csv.DictReader(file)]
    parts = options.parts.split(",")
    for _ in range(options.repeats):
        if "attribution" in parts:
            rows += attribution(options.images, options.data_dir)
        if "set" in parts:
            rows += two_runs(options.images, options.set_epochs, options.data_dir)
    if "accuracy" in parts:
        seeds = [int(seed) for seed in options.seeds.split(",")]
        rows += accuracy(options.accuracy_images, options.set_epochs, seeds, options.data_dir)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["part", "what", "how", "value"])
        writer.writerows(rows)
    from droplab.execution.environment import environment

    here = environment()
    print(f"{here['cpu']}, {here['cores']} cores, torch {here['torch']}, batch 32, {options.images} images")
    report(rows)


if __name__ == "__main__":
    main()
