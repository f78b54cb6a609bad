"""A run set on a GPU for ``make gpu``: the tutorial's experiment, twice, and what it cost.

python scripts/gpu_experiment.py --cifar gpu-pack/cifar10-part.xz --out DIR
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import gpu_cifar

import droplab


def spec(device: str, cifar: Path | None, *, rehearsal: bool) -> dict[str, Any]:
    """Three seeds of the tutorial's two arms; on all of CIFAR-10 where it is, else on a part, else on the demo's."""
    if gpu_cifar.batches_folder() is not None:
        data: dict[str, Any] = {"name": "cifar10"}
    elif cifar is not None:
        os.environ[gpu_cifar.VARIABLE] = str(cifar.resolve())
        data = {"name": "gpu_cifar:images", "validation_size": 5000}
    else:
        data = {"name": "fashion-mnist-mini"}
    recipe: dict[str, Any] = {"epochs": 15}
    if rehearsal:
        data, recipe = {"name": "fashion-mnist-mini", "train_size": 64}, {"epochs": 1}
    return {
        "name": "gpu",
        "data": data,
        "recipe": recipe,
        "seeds": 1 if rehearsal else 3,
        "compute": {"device": device},
    }


def main() -> None:
    """Train, print the verdict and the speed, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=("cpu", "cuda"))
    parser.add_argument("--cifar", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rehearsal", action="store_true", help="one epoch on 64 images")
    options = parser.parse_args()
    began = time.monotonic()
    results = droplab.compare(
        spec(options.device, options.cifar, rehearsal=options.rehearsal), out=options.out, fresh=options.out.exists()
    )
    seconds = time.monotonic() - began
    print(results.text("en"))
    runs = results.record.runs.values()
    print(f"data {results.record.spec['data']['name']}, {results.record.sizes['train']} training images")
    print(f"{len(runs)} runs, states {sorted({run.state for run in runs})}, {seconds:.1f} s in all")
    for arm in results.record.arms:
        speeds = [speed for run in runs if run.key.arm == arm for speed in run.metrics["images_per_second"][1:]]
        if speeds:
            print(f"{arm}: {fmean(speeds):,.0f} images per second while training, first epochs apart")
    try:
        print(results.write_page())
    except droplab.FailureError as problem:  # a checkout without an installation has no bundle for the page
        print(f"no page: {problem}")


if __name__ == "__main__":
    main()
