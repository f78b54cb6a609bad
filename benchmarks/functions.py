"""What it costs to reach dropout that a model calls as a function. In one run, as a ratio.

    make bench

A transformer of six layers whose dropout is all functions: training steps with these under keys, and without,
alternate; at p = 0, where only the reaching is measured, and at p = 0.1, where droplab's dropout takes the place of
torch's. Printed: the milliseconds of the processor's time that a step takes, which other processes do not count in, and
the median of the paired ratios with its standard error.
"""

from __future__ import annotations

import csv
import time
from pathlib import Path
from statistics import median, stdev

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import droplab

STEPS, WIDTH, HEADS, LAYERS = 200, 128, 4, 6


class Layer(nn.Module):
    """Attention and a perceptron, with dropout as other libraries write it."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, T, D)`` to the same."""
        count, length, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(count, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.p if self.training else 0.0)
        x = x + F.dropout(self.proj(y.transpose(1, 2).reshape(count, length, -1)), self.p, self.training)
        y = F.dropout(F.gelu(self.up(self.norm2(x))), self.p, self.training)
        return x + F.dropout(self.down(y), self.p, self.training)


def measure(p: float) -> tuple[float, float, float]:
    """Seconds of a step without, the ratio, and its standard error."""
    torch.manual_seed(0)
    x = torch.randn(6, 32, WIDTH)
    plain, reached = (nn.Sequential(*(Layer(0.1) for _ in range(LAYERS))) for _ in range(2))
    droplab.replace(reached, x)
    for layer in (*plain, *reached):
        layer.p = p
    times: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(STEPS + 10):
        order = (("with", reached), ("without", plain))
        for name, model in order if number % 2 else order[::-1]:
            began = time.process_time()
            with droplab.keyed(model, seed=0, step=number):
                model(x).square().mean().backward()
            if number >= 10:
                times[name].append(time.process_time() - began)
            model.zero_grad()
    ratios = [a / b for a, b in zip(times["with"], times["without"], strict=True)]
    return median(times["without"]), median(ratios), 1.25 * stdev(ratios) / len(ratios) ** 0.5


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    rows = []
    for p in (0.0, 0.1):
        seconds, ratio, error = measure(p)
        print(f"p = {p:g}: {seconds * 1e3:.1f} ms a step without; with / without: {ratio:.4f} ± {error:.4f}")
        rows.append([LAYERS, p, seconds, ratio, error])
    target = Path(__file__).parent / "results" / "functions.csv"
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["layers", "p", "seconds_without", "ratio", "standard_error"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
