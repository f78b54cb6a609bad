"""Concrete dropout's learned rates shrink as data grow.

    python benchmarks/papers/concrete.py --task regression
    python benchmarks/papers/concrete.py --task mnist --data-dir DIR

Gal, Hron and Kendall, *Concrete dropout*, NeurIPS 2017: with more data there is less to be uncertain about, and the
rates fall (figure 2, on synthetic data ``y = 2 x + 8 + ε``, ``ε ~ N(0, 1)``). Regression here: those data, three hidden
layers of 128 units, mean and log variance as outputs, dropout on the inputs of all but the first layer, whose only
input is x. MNIST: 784-256-256-10 on subsets, dropout on the inputs of all layers. Every size takes the same number of
steps, so that the rates have the same time to move.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from digits import RESULTS, Digits, digits, error, parser, spread, write
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.nn import ConcreteDropoutLinear, penalty

SIZES = {"regression": (10, 100, 1000, 10_000), "mnist": (500, 2000, 10_000, 60_000)}
Loss = Callable[[Tensor, Tensor], Tensor]


def gaussian(output: Tensor, y: Tensor) -> Tensor:
    """Negative log likelihood of a normal distribution, up to a constant."""
    mean, log_variance = output.unbind(1)
    return 0.5 * ((y - mean).square() * (-log_variance).exp() + log_variance).mean()


def network(sizes: tuple[int, ...], plain: int, length_scale: float) -> nn.Sequential:
    """Linear layers with ReLU between; the first ``plain`` without dropout."""
    layers: list[nn.Module] = []
    for number in range(len(sizes) - 1):
        linear: nn.Module = nn.Linear(sizes[number], sizes[number + 1])
        if number >= plain:
            linear = ConcreteDropoutLinear.adopt(linear, 0.1, length_scale=length_scale)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def learned(model: nn.Module) -> list[float]:
    """The rates, first layer first."""
    return [layer.p for layer in model.modules() if isinstance(layer, ConcreteDropoutLinear)]


def train(model: nn.Module, x: Tensor, y: Tensor, loss: Loss, steps: int, seed: int) -> list[float]:
    """Adam on batches of 128 at most; the rates after three quarters of the steps."""
    drawing = torch.Generator().manual_seed(seed)
    rates = [parameter for name, parameter in model.named_parameters() if name.endswith("p_logit")]
    weights = [parameter for name, parameter in model.named_parameters() if not name.endswith("p_logit")]
    optimizer = torch.optim.Adam([{"params": weights, "lr": 1e-3}, {"params": rates, "lr": 1e-2}])
    before: list[float] = []
    for step in range(steps):
        index = torch.randint(len(x), (min(len(x), 128),), generator=drawing).to(x.device)
        extra = penalty(model)
        assert extra is not None
        total = loss(model(x[index]), y[index]) + extra / len(x)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        if step == steps * 3 // 4:
            before = learned(model)
    return before


def row(task: str, size: int, seed: int, steps: int, data: Digits | None, device: str) -> dict[str, object]:
    """One network trained on one size."""
    torch.manual_seed(seed)
    if task == "regression":
        model = network((1, 128, 128, 128, 2), 1, 1e-4).to(device)
        x = torch.randn(size, 1)
        y = 2 * x[:, 0] + 8 + torch.randn(size)
        before = train(model, x.to(device), y.to(device), gaussian, steps, seed)
        tested: float | str = ""
    else:
        assert data is not None
        model = network((784, 256, 256, 10), 0, 1e-2).to(device)
        chosen = torch.randperm(len(data.y))[:size].to(device)
        before = train(model, data.x[chosen], data.y[chosen], F.cross_entropy, steps, seed)
        tested = round(error(model, data.test_x, data.test_y), 2)
    rates = learned(model)
    named = {f"p{n}": round(rates[n - 1], 4) if n <= len(rates) else "" for n in (1, 2, 3)}
    earlier = {f"p{n}_at_three_quarters": round(before[n - 1], 4) if n <= len(before) else "" for n in (1, 2, 3)}
    return {"task": task, "n": size, "seed": seed, "steps": steps, **named, **earlier, "test_error_percent": tested}


def main() -> None:
    """Train, print and write."""
    options = parser(__doc__, seeds=3)
    options.add_argument("--task", choices=("regression", "mnist"), default="regression")
    options.add_argument("--steps", type=int, default=4000)
    options.add_argument("--sizes", type=int, nargs="*", help="training samples (default: four sizes)")
    given = options.parse_args()
    torch.set_num_threads(1)
    data = digits(given.data_dir, given.device) if given.task == "mnist" else None
    one = partial(row, given.task, steps=given.steps, data=data, device=given.device)
    rows = []
    for size in given.sizes or SIZES[given.task]:
        mine = [one(size=size, seed=seed) for seed in range(given.seeds)]
        rows += mine
        told = [f"p{n} {spread([float(str(r[f'p{n}'])) for r in mine], 3)}" for n in (1, 2, 3) if mine[0][f"p{n}"]]
        print(f"{given.task}, {size:,} samples: {', '.join(told)}", flush=True)
    write(given.out or RESULTS / f"concrete_{given.task}.csv", rows)


if __name__ == "__main__":
    main()
