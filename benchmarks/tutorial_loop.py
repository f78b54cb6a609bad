"""The tutorial's loop as published against droplab: same model, batch size 32, number of steps, one machine.

    make bench ARGS="--data-dir DIR"

Everything is measured in one run, interleaved, each configuration in a process of its own, and the medians are
compared. (1) One run: images per second of training. (2) The two-run set, wall clock from start to end with
evaluation: published one after the other, droplab as its executor does. (3) Validation accuracy over seeds.
(4) Where the gain comes from: the published loop's habits taken away one by one.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
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
    ("freed memory kept (droplab's own loop)", None),
)
SEEDS = (0, 1, 2)


def child(job: dict) -> dict:
    """One configuration, in this process."""
    import numpy as np
    import torch

    from droplab.data import load
    from droplab.experiment import ArmSpec, parse_spec
    from droplab.experiment.allocator import keep_freed_memory
    from droplab.experiment.tensors import workbench
    from droplab.experiment.train import Trainer

    torch.set_num_threads(os.cpu_count() or 1)
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
    keep_freed_memory()
    values = {"data": {"name": "cifar10"}, "recipe": {"epochs": job["epochs"], "precision": "float32"}}
    trainer = Trainer(
        parse_spec(values), ArmSpec(name="arm", p=job["p"]), job["seed"],
        workbench(split, 5000, torch.device("cpu")), "float32",
    )  # fmt: skip
    began = time.perf_counter()
    metrics = [trainer.epoch(epoch).metrics for epoch in range(job["epochs"])]
    return {
        "training": sum(m["seconds"] for m in metrics),
        "seconds": time.perf_counter() - began,
        "accuracy": metrics[-1]["val_accuracy"],
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


def droplab_set(images: int, epochs: int, data_dir: str | None) -> tuple[float, float, str]:
    """Wall seconds of the whole command and of its training part, and how it ran."""
    spec = (
        f'[data]\nname = "cifar10"\ntrain_size = {images}\n[recipe]\nepochs = {epochs}\n'
        'precision = "float32"\nwatch_every = 1\n'
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "set.toml")
        path.write_text(spec, encoding="utf-8")
        command = [sys.executable, "-m", "droplab", "compare", str(path), "--seeds", "1", "--out", f"{folder}/out"]
        command += ["--data-dir", data_dir] if data_dir else []
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - began
        from droplab.experiment import Ledger

        with Ledger.open(Path(folder, "out", "ledger.sqlite")) as ledger:
            plan, record = ledger.design()["plan"], ledger.read()
        speeds = [fmean(run.metrics["images_per_second"]) for run in record.runs.values()]
    together = sum(speeds) if plan["executor"] == "process" else fmean(speeds)
    how = f"{plan['executor']}, {plan['workers']} × {plan['threads']} thread(s)"
    assert done.returncode == 0
    return seconds, together, how


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", default=os.environ.get("DROPLAB_DATA"))
    parser.add_argument("--images", type=int, default=6400, help="training images of a speed measurement")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--set-images", type=int, default=20000, help="training images of the two-run set")
    parser.add_argument("--set-epochs", type=int, default=2)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(json.loads(options.child))))
        return
    shared = {"data_dir": options.data_dir}
    rows: list[list[object]] = []
    speeds: list[list[float]] = [[] for _ in STEPS]
    for _ in range(options.repeats):
        for step, (_, change) in enumerate(STEPS):
            kind = "droplab" if change is None else "published"
            job = {"kind": kind, "step": step, "p": 0.25, "images": options.images, "epochs": 1, "seed": 0}
            speeds[step].append(options.images / measure(**job, **shared)["training"])
    medians = [median(values) for values in speeds]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, batch 32, {options.images} images")
    print("\nWhere the gain comes from (images per second of training, median, lowest to highest)")
    before = medians[0]
    for (name, _), value, values in zip(STEPS, medians, speeds, strict=True):
        print(f"  {name:40} {value:7.0f}  [{min(values):.0f}, {max(values):.0f}]  × {value / before:.2f}")
        rows.append(["attribution", name, value, value / before])
        before = value
    ratio = medians[-1] / medians[0]
    print(f"\nOne run: {ratio:.2f} × the images per second of the published loop")
    rows.append(["one run", "ratio", ratio, ""])
    job = {"images": options.set_images, "epochs": options.set_epochs, "kind": "published", "step": 0}
    alone = [measure(**job, p=p, seed=0, **shared) for p in (0.0, 0.25)]
    published_wall = sum(run["seconds"] for run in alone)
    published_speed = 2 * options.set_images * options.set_epochs / sum(run["training"] for run in alone)
    wall, speed, how = droplab_set(options.set_images, options.set_epochs, options.data_dir)
    print(f"\nTwo-run set, {options.set_images} images × {options.set_epochs} epochs × 2 runs; droplab: {how}")
    print(f"  images per second   {published_speed:.0f} -> {speed:.0f}: {speed / published_speed:.2f} ×")
    print(f"  wall clock, seconds {published_wall:.1f} (training and evaluation) -> {wall:.1f} (the whole command): "
          f"{published_wall / wall:.2f} ×")  # fmt: skip
    rows += [["two runs", "images per second", speed, speed / published_speed]]
    rows += [["two runs", "wall seconds", wall, published_wall / wall]]
    accuracies = {}
    for kind in ("published", "droplab"):
        jobs = {**job, "kind": kind, "step": 1 if kind == "published" else 0, "images": 5000, "epochs": 2}
        accuracies[kind] = [measure(**jobs, p=0.25, seed=seed, **shared)["accuracy"] for seed in SEEDS]
        values = accuracies[kind]
        print(f"\nAccuracy, {kind}: {fmean(values):.4f} ± {stdev(values):.4f} over seeds {SEEDS}: {values}")
        rows.append(["accuracy", kind, fmean(values), stdev(values)])
    target = Path(__file__).parent / "results" / "tutorial_loop.csv"
    target.parent.mkdir(exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["part", "what", "value", "ratio_or_sd"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
