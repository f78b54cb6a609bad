"""What the tutorial says about dropout, measured: in-place dropout and memory, and dropout as many thinned networks.

    python benchmarks/tutorial_statements.py

Memory: the largest sum of live tensors within a forward and a backward pass, as torch's profiler sees allocations, and
the bytes that are alive between the two. Thinned networks: the tutorial's network is trained with dropout; the whole
network with scaled weights (eval mode) is then compared with the average prediction of k networks that are thinned at
random, on the validation part, over groups of different masks and over seeds.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean, stdev

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

import droplab
from droplab.data import load
from droplab.models import TutorialCNN

RESULTS = Path(__file__).parent / "results"
COUNTS = (1, 2, 5, 10, 20, 50)
MASKS = 200
"""Thinned networks of one seed; for k there are MASKS / k groups."""


def tutorial() -> tuple[nn.Module, Tensor]:
    """The tutorial's network on a batch of 32 images of CIFAR-10's size: dropout comes after ReLU."""
    return TutorialCNN((3, 32, 32), 10, p=0.5), torch.randn(32, 3, 32, 32)


def perceptron(*between: Callable[[], nn.Module]) -> tuple[nn.Module, Tensor]:
    """784-2048-2048-2048-10, batch 1,024, with some modules after each hidden layer's Linear."""
    layers: list[nn.Module] = []
    for inputs in (784, 2048, 2048):
        layers += [nn.Linear(inputs, 2048), *(make() for make in between)]
    return nn.Sequential(*layers, nn.Linear(2048, 10)), torch.randn(1024, 784)


MODELS: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "tutorial-cnn: ReLU, Dropout": tutorial,
    "mlp: Linear, ReLU, Dropout": lambda: perceptron(nn.ReLU, nn.Dropout),
    "mlp: Linear, Dropout, ReLU": lambda: perceptron(nn.Dropout, nn.ReLU),
    "mlp: Linear, GELU, Dropout": lambda: perceptron(nn.GELU, nn.Dropout),
    "mlp without gradients": lambda: perceptron(nn.ReLU, nn.Dropout),
}
"""The last one draws masks without training, as Monte Carlo dropout does."""


def memory(name: str, ours: bool, inplace: bool) -> tuple[float, float] | str:
    """Bytes at the peak and between the passes, or the first words of autograd's error."""
    torch.manual_seed(0)
    model, x = MODELS[name]()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.inplace = inplace
    if ours:
        droplab.replace(model)
    training = "without" not in name
    try:
        model(x).sum().backward() if training else None  # gradients are there already in what is measured
    except RuntimeError as problem:
        return str(problem).partition(":")[0]
    with torch.set_grad_enabled(training):
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            y = model(x).sum()
        kept = sum(_sizes(seen))
        del y
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            y = model(x).sum()
            if training:
                y.backward()
    level = highest = 0
    for size in _sizes(seen):
        level += size
        highest = max(highest, level)
    return highest, kept


def _sizes(seen: profile) -> list[int]:
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    return [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]


def memories() -> Iterator[list[object]]:
    """A row for each model, library and setting."""
    for name in MODELS:
        for ours in (False, True):
            for inplace in (False, True):
                found = memory(name, ours, inplace)
                library = "droplab" if ours else "torch"
                if isinstance(found, str):
                    print(f"{name:28} {library:8} inplace={inplace!s:6} error: {found}")
                    yield [name, library, inplace, "", "", found]
                else:
                    peak, kept = (size / 2**20 for size in found)
                    print(f"{name:28} {library:8} inplace={inplace!s:6} peak {peak:6.1f} MiB, kept {kept:6.1f} MiB")
                    yield [name, library, inplace, round(peak, 2), round(kept, 2), ""]


def trained(seed: int, p: float, epochs: int) -> tuple[nn.Module, Tensor, Tensor]:
    """The tutorial's network after training, and validation images and labels."""
    data = load("fashion-mnist-mini")
    mean = data.train.images.float().mean() / 255
    (x, y), (x_held, y_held) = ((part.images / 255 - mean, part.labels) for part in (data.train, data.validation))
    torch.manual_seed(seed)
    model = TutorialCNN((1, 28, 28), 10, p=p)
    droplab.replace(model)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    order = torch.Generator().manual_seed(seed)
    step = 0
    for _ in range(epochs):
        for batch in torch.randperm(len(x), generator=order).split(32):
            with droplab.keyed(model, seed=seed, step=step, samples=batch):
                loss = F.cross_entropy(model(x[batch]), y[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
    return model, x_held, y_held


@torch.no_grad()
def thinned(model: nn.Module, x: Tensor) -> Tensor:
    """Log probabilities of many thinned networks, ``(MASKS, N, classes)``: one mask for each image and network."""
    model.train()
    found = []
    for number in range(MASKS):
        with droplab.keyed(model, seed=1_000_003, step=number):
            found.append(model(x).log_softmax(1).double())
    return torch.stack(found)


def score(logs: Tensor, y: Tensor) -> tuple[float, float]:
    """Accuracy in per cent and negative log likelihood in nats."""
    right = (logs.argmax(1) == y).double().mean().item() * 100
    return right, F.nll_loss(logs, y).item()


def ways(model: nn.Module, x: Tensor, y: Tensor) -> Iterator[tuple[str, int, float, float]]:
    """Name, k, accuracy and NLL of each way to predict; for averages the mean over the groups of k masks."""
    with torch.no_grad():
        yield "weight scaling", 0, *score(model.eval()(x).log_softmax(1).double(), y)
    logs = thinned(model, x)
    for k in COUNTS:
        groups = logs.reshape(MASKS // k, k, *logs.shape[1:])
        arithmetic = [score(group.logsumexp(0) - math.log(k), y) for group in groups]
        yield "average of probabilities", k, *(fmean(values) for values in zip(*arithmetic, strict=True))
        geometric = [score(group.mean(0).log_softmax(1), y) for group in groups]
        yield "geometric mean", k, *(fmean(values) for values in zip(*geometric, strict=True))


def networks(seeds: list[int], p: float, epochs: int) -> Iterator[list[object]]:
    """A row for each seed and way; the averages over seeds are printed."""
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for seed in seeds:
        for way, k, right, loss in ways(*trained(seed, p, epochs)):
            found.setdefault((way, k), []).append((right, loss))
            yield [seed, p, epochs, way, k, right, loss]
    base = found["weight scaling", 0]
    for (way, k), values in found.items():
        gains = [[a - b for a, b in zip(mine, theirs, strict=True)] for mine, theirs in zip(values, base, strict=True)]
        shown = []
        for place in (0, 1):
            pairs = [gain[place] for gain in gains]
            shown.append((fmean(v[place] for v in values), fmean(pairs), stdev(pairs) / len(pairs) ** 0.5))
        (right, more, error), (loss, less, other) = shown
        print(f"{way:25} k = {k:2}  accuracy {right:6.2f} % ({more:+.2f} ± {error:.2f})  "
              f"NLL {loss:.4f} ({less:+.4f} ± {other:.4f})")  # fmt: skip


def write(name: str, head: list[str], rows: list[list[object]]) -> None:
    """A table of results."""
    with (RESULTS / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="memory,networks")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--p", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if "memory" in options.parts:
        head = ["model", "library", "inplace", "peak_mib", "kept_mib", "error"]
        write("statements_memory.csv", head, list(memories()))
    if "networks" in options.parts:
        seeds = [int(seed) for seed in options.seeds.split(",")]
        head = ["seed", "p", "epochs", "way", "k", "accuracy_percent", "nll"]
        write("statements_networks.csv", head, list(networks(seeds, options.p, options.epochs)))


if __name__ == "__main__":
    main()
