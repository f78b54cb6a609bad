"""What droplab.replace does to a whole training step: time and peak memory, side by side with torch's layers.

    python benchmarks/whole_models.py [--device cuda] [--models NAME,...] [--turns 34] [--output FILE]

Srivastava's MLP on 784 inputs and a TransformerEncoder, forward, backward and optimiser. Each model trains in turns
with torch's dropout layers and with droplab's; the median of the paired ratios is printed with its standard error.
Peak memory is the largest sum of live tensors within a step: on the CPU as torch's profiler sees allocations, on a
GPU as its allocator counts them.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, stdev

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

import droplab
from droplab.models import SrivastavaMLP
from droplab.training.allocator import keep_freed_memory

Step = Callable[[], None]


RESULTS = Path(__file__).parent / "results"


def mlp() -> tuple[nn.Module, torch.Tensor]:
    """784-1024-1024-1024-10, batch 1,024, p = 0.2 at the input and 0.5 after each hidden layer."""
    return SrivastavaMLP((1, 28, 28), 10, p=0.5, p_input=0.2), torch.randn(1024, 1, 28, 28)


def transformer() -> tuple[nn.Module, torch.Tensor]:
    """Four layers of width 256 on 16 sequences of 128."""
    layer = nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.1, batch_first=True)
    return nn.TransformerEncoder(layer, 4, enable_nested_tensor=False), torch.randn(16, 128, 256)


MODELS = {"srivastava-mlp": mlp, "transformer-encoder": transformer}


def steps(make: Callable[[], tuple[nn.Module, torch.Tensor]], device: str) -> tuple[Step, Step]:
    """A training step with torch's layers, and one with droplab's."""
    made = []
    for ours in (False, True):
        torch.manual_seed(0)
        model, x = make()
        if not ours:
            _stock(model)
        else:
            droplab.replace(model)
        model, x = model.to(device), x.to(device)
        optimizer = torch.optim.Adam(model.parameters(), fused=True)

        def step(model: nn.Module = model, x: torch.Tensor = x, optimizer: torch.optim.Adam = optimizer) -> None:
            optimizer.zero_grad(set_to_none=True)
            model(x).square().mean().backward()
            optimizer.step()

        made.append(step)
    return made[0], made[1]


def _stock(model: nn.Module) -> None:
    layers = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    assert layers
    assert all(type(layer) is nn.Dropout for layer in layers)


def peak(step: Step, device: str) -> int:
    """Largest sum of bytes that a step holds above its start."""
    step()
    if device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        step()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        step()
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    level = highest = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        level += event.nbytes()
        highest = max(highest, level)
    return highest


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--turns", type=int, default=34, help="pairs of measurements; the first four are not counted")
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/whole_models[-cuda].csv")
    options = parser.parse_args()
    device = options.device
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    keep_freed_memory()
    rows = []
    for name in options.models.split(","):
        make = MODELS[name]
        stock, ours = steps(make, device)
        ratios, times = [], []
        for turn in range(options.turns):
            pair = {}
            for label, step in (
                (("torch", stock), ("droplab", ours)) if turn % 2 else (("droplab", ours), ("torch", stock))
            ):
                wait()
                began = time.perf_counter()
                for _ in range(3):
                    step()
                wait()
                pair[label] = (time.perf_counter() - began) / 3
            if turn >= 4:
                ratios.append(pair["droplab"] / pair["torch"])
                times.append(pair["torch"])
        error = 1.25 * stdev(ratios) / len(ratios) ** 0.5
        memory = peak(ours, device) / peak(stock, device)
        print(f"{name}: step {median(times) * 1e3:.1f} ms with torch's layers; droplab / torch: "
              f"time {median(ratios):.3f} ± {error:.3f}, peak memory {memory:.3f}", flush=True)  # fmt: skip
        rows.append([name, median(times), median(ratios), error, memory])
    target = options.output or RESULTS / ("whole_models.csv" if device == "cpu" else "whole_models-cuda.csv")
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["model", "torch_seconds", "time_ratio", "standard_error", "peak_memory_ratio"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
