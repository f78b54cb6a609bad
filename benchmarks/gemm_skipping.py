"""Unit dropout, which multiplies kept units only, against standard dropout: seconds of a step, and test accuracy.

    python benchmarks/gemm_skipping.py

A network 784-2048-2048-10 with ReLU and p = 0.5 after both hidden layers, trained on random numbers: forward,
backward and optimiser. Each turn runs every variant, three steps at a time, of which the last two are timed, in an
order that changes from turn to turn. Ratios are taken within a turn; the median is printed with its standard error.

The accuracy is that of the test part of the embedded Fashion-MNIST subset after a number of epochs that was fixed
beforehand; both variants of a seed share initial weights and batches.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median, stdev

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import droplab
from droplab.data import load
from droplab.execution.environment import environment
from droplab.training.allocator import keep_freed_memory

SIZES = (784, 2048, 2048, 10)
VARIANTS = ("torch", "droplab", "unit", "unit, exact count")
OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9, fused=True),
    "Adam": lambda parameters: torch.optim.Adam(parameters, fused=True),
}
RESULTS = Path(__file__).parent / "results"


def network(variant: str, p: float) -> nn.Module:
    """The same weights for every variant at one state of torch's generator."""
    parts: list[nn.Module] = []
    for before, after in pairwise(SIZES):
        parts += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(p)]
    model = nn.Sequential(*parts[:-2])
    if variant == "droplab":
        droplab.replace(model)
    elif variant != "torch":
        return droplab.nn.UnitDropoutMLP.adopt(model, p, exact_count=variant.endswith("exact count"))
    return model


def step(model: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    """One training step; the seconds of its optimiser."""
    optimiser.zero_grad(set_to_none=True)
    F.cross_entropy(model(x), y).backward()
    began = time.perf_counter()
    optimiser.step()
    return time.perf_counter() - began


def speed(batch: int, name: str, p: float, turns: int) -> Iterator[list[object]]:
    """Rows of one batch size and optimiser."""
    x, y = torch.randn(batch, SIZES[0]), torch.randint(SIZES[-1], (batch,))
    models = {variant: network(variant, p) for variant in VARIANTS}
    optimisers = {variant: OPTIMISERS[name](model.parameters()) for variant, model in models.items()}
    seconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    updates: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for turn in range(turns + 3):
        for place in range(len(VARIANTS)):
            variant = VARIANTS[(place + turn) % len(VARIANTS)]
            model, optimiser = models[variant], optimisers[variant]
            step(model, optimiser, x, y)
            began = time.perf_counter()
            spent = [step(model, optimiser, x, y) for _ in range(2)]
            if turn >= 3:
                seconds[variant].append((time.perf_counter() - began) / 2)
                updates[variant].append(fmean(spent))
    for variant in VARIANTS:
        ratios = {
            peer: [a / b for a, b in zip(seconds[peer], seconds[variant], strict=True)] for peer in ("torch", "droplab")
        }
        errors = {peer: 1.25 * stdev(values) / len(values) ** 0.5 for peer, values in ratios.items()}
        print(
            f"batch {batch:5} {name:4}  {variant:18} {median(seconds[variant]) * 1e3:7.2f} ms "
            f"(optimiser {median(updates[variant]) * 1e3:.2f})   faster than torch's "
            f"{median(ratios['torch']):.2f} ± {errors['torch']:.2f}, than droplab's "
            f"{median(ratios['droplab']):.2f} ± {errors['droplab']:.2f}",
            flush=True,
        )
        yield [
            batch, name, p, variant, median(seconds[variant]), median(updates[variant]),
            median(ratios["torch"]), errors["torch"], median(ratios["droplab"]), errors["droplab"], turns,
        ]  # fmt: skip


def accuracy(seed: int, variant: str, p: float, epochs: int) -> tuple[float, float, float]:
    """Test accuracy, test loss and seconds of training of one run."""
    data = load("fashion-mnist-mini")
    mean = data.train.images.float().mean() / 255
    parts = [(part.images.flatten(1) / 255 - mean, part.labels) for part in (data.train, data.test.open())]
    (x, y), (x_test, y_test) = parts
    torch.manual_seed(seed)
    model = network(variant, p)
    optimiser = OPTIMISERS["Adam"](model.parameters())
    order = torch.Generator().manual_seed(seed)
    began = time.perf_counter()
    for _ in range(epochs):
        for batch in torch.randperm(len(x), generator=order).split(128):
            step(model, optimiser, x[batch], y[batch])
    spent = time.perf_counter() - began
    model.eval()
    with torch.no_grad():
        logits = model(x_test)
    return (logits.argmax(1) == y_test).double().mean().item(), F.cross_entropy(logits, y_test).item(), spent


def accuracies(seeds: list[int], p: float, epochs: int) -> Iterator[list[object]]:
    """A row for each seed and variant."""
    found: dict[str, list[float]] = {}
    for seed in seeds:
        for variant in ("torch", "unit") if seed % 2 else ("unit", "torch"):
            right, loss, spent = accuracy(seed, variant, p, epochs)
            found.setdefault(variant, []).append(right)
            print(f"seed {seed} {variant:6} accuracy {right:.4f} loss {loss:.4f} in {spent:.0f} s", flush=True)
            yield [seed, variant, p, epochs, right, loss, spent]
    pairs = [ours - theirs for ours, theirs in zip(found["unit"], found["torch"], strict=True)]
    error = stdev(pairs) / len(pairs) ** 0.5
    print(f"accuracy: torch {fmean(found['torch']):.4f}, unit {fmean(found['unit']):.4f}, "
          f"difference {fmean(pairs):+.4f} ± {error:.4f} over {len(pairs)} seeds")  # fmt: skip


def write(name: str, head: list[str], rows: list[list[object]]) -> None:
    """A table of results."""
    with (RESULTS / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", default="64,128,256,1024")
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--p", type=float, default=0.5)
    parser.add_argument("--seeds", default="0,1,2,3,4", help="of the accuracy")
    parser.add_argument("--epochs", type=int, default=30, help="of the accuracy")
    parser.add_argument("--parts", default="speed,accuracy")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    here = environment()
    print(f"{here['cpu']}, {options.threads} threads, torch {here['torch']}, p = {options.p}")
    if "speed" in options.parts:
        rows = [
            row
            for batch in (int(size) for size in options.batches.split(","))
            for name in OPTIMISERS
            for row in speed(batch, name, options.p, options.turns)
        ]
        head = ["batch", "optimiser", "p", "variant", "step_seconds", "optimiser_seconds", "torch_ratio",
                "torch_ratio_error", "droplab_ratio", "droplab_ratio_error", "turns"]  # fmt: skip
        write("gemm_skipping.csv", head, rows)
    if "accuracy" in options.parts:
        seeds = [int(seed) for seed in options.seeds.split(",")]
        head = ["seed", "variant", "p", "epochs", "test_accuracy", "test_loss", "seconds"]
        write("gemm_skipping_accuracy.csv", head, list(accuracies(seeds, options.p, options.epochs)))


if __name__ == "__main__":
    main()
