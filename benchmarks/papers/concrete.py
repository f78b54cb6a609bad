"""Concrete dropout's learned rates shrink as data grow.

    python benchmarks/papers/concrete.py --task regression
    python benchmarks/papers/concrete.py --task mnist --data-dir DIR

Gal, Hron and Kendall, *Concrete dropout*, NeurIPS 2017: with more data there is less to be uncertain about, and the
rates fall (figure 2, on synthetic data ``y = 2 x + 8 + ε``, ``ε ~ N(0, 1)``). Regression here: those data, three hidden
layers of 128 units, mean and log variance as outputs, dropout on the inputs of all but the first layer, whose only
input is x. MNIST: 784-256-256-10 on subsets, dropout on the inputs of all layers. Every size is an experiment of one
arm and takes the same number of steps, so that the rates have the same time to move; an epoch is a quarter of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from digits import MEASURES, add_place, digits, tested
from guest import compared, parser, spread, values
from torch import Tensor, nn
from torch.nn import functional as F

import droplab
from droplab.layers.learned import rate_parameters

ARM = "concrete dropout"
QUARTERS = 4


class Task(NamedTuple):
    """What is learned: layers, the first of which that drops, and the prior's length scale; and from how much."""

    widths: tuple[int, ...]
    plain: int
    length_scale: float
    samples: tuple[int, ...]
    measures: dict[str, dict[str, str]]


TASKS = {
    "regression": Task(
        (1, 128, 128, 128, 2), 1, 1e-4, (10, 100, 1000, 10_000), {"loss": {"better": "lower", "unit": "nats"}}
    ),
    "mnist": Task((784, 256, 256, 10), 0, 1e-2, (500, 2000, 10_000, 60_000), MEASURES),
}


def gaussian(output: Tensor, y: Tensor) -> Tensor:
    """Negative log likelihood of a normal distribution, up to a constant."""
    mean, log_variance = output.unbind(1)
    return 0.5 * ((y - mean).square() * (-log_variance).exp() + log_variance).mean()


def network(widths: tuple[int, ...]) -> nn.Sequential:
    """Linear layers ``fc1``, ``fc2``, … with ReLU between."""
    made = nn.Sequential()
    for number, (inputs, outputs) in enumerate(pairwise(widths), start=1):
        made.add_module(f"fc{number}", nn.Linear(inputs, outputs))
        made.add_module(f"relu{number}", nn.ReLU())
    return made[:-1]


def sites(task: Task) -> list[str]:
    """The layers that learn a rate, first one first."""
    return [f"fc{number}" for number in range(1 + task.plain, len(task.widths))]


def line(samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """The synthetic data."""
    drawing = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, 1, generator=drawing)
    return x, 2 * x[:, 0] + 8 + torch.randn(samples, generator=drawing)


def train(run: droplab.Run, task: str, samples: int, steps: int, data_dir: Path | None) -> None:
    """Adam on batches of 128 at most."""
    model = run.prepare(partial(network, TASKS[task].widths))
    loss: Callable[[Tensor, Tensor], Tensor] = gaussian
    if task == "regression":
        x, y = (part.to(run.device) for part in line(samples, run.seed))
        held_x, held_y = (part.to(run.device) for part in line(1000, run.seed + 10_000))
    else:
        loss, data = F.cross_entropy, digits(data_dir, run.device)
        drawing = torch.Generator().manual_seed(run.seed)
        chosen = torch.randperm(len(data.y), generator=drawing)[:samples].to(run.device)
        x, y = data.x[chosen], data.y[chosen]
    rates = list(rate_parameters(model))
    weights = [parameter for parameter in model.parameters() if all(parameter is not rate for rate in rates)]
    optimizer = torch.optim.Adam([{"params": weights, "lr": 1e-3}, {"params": rates, "lr": 1e-2}])
    drawing = torch.Generator().manual_seed(run.seed)
    for _ in run.epochs(QUARTERS, optimizer=optimizer, drawing=drawing):
        for _ in range(steps // QUARTERS):
            index = torch.randint(samples, (min(samples, 128),), generator=drawing).to(run.device)
            with run.step(samples=torch.arange(len(index))):
                total = loss(model(x[index]), y[index]) + run.penalty(samples=samples)
                optimizer.zero_grad()
                total.backward()
                optimizer.step()
        if task == "mnist":
            run.report(**tested(model, data))
        else:
            model.eval()
            with torch.no_grad():
                run.report(val_loss=gaussian(model(held_x), held_y))


def main() -> None:
    """Train and print."""
    options = parser(__doc__, seeds=3)
    add_place(options)
    options.add_argument("--task", choices=tuple(TASKS), default="regression")
    options.add_argument("--steps", type=int, default=4000)
    options.add_argument("--sizes", type=int, nargs="*", help="training samples (default: four sizes)")
    given = options.parse_args()
    task = TASKS[given.task]
    kind = {"name": "concrete_dropout_linear", "length_scale": task.length_scale}
    arm = {"name": ARM, "p": dict.fromkeys(sites(task), 0.1), "kind": kind}
    for samples in given.sizes or task.samples:
        loop = partial(train, task=given.task, samples=samples, steps=given.steps, data_dir=given.data_dir)
        name = f"concrete {given.task}, {samples} samples, {given.steps} steps"
        results = compared(loop, given, name=name, arms=[arm], measures=task.measures)
        told = [f"{site} {spread(values(results, ARM, f'p/{site}'), 3)}" for site in sites(task)]
        print(f"{given.task}, {samples:,} samples: {', '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
