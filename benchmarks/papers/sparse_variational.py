"""Sparse variational dropout on LeNet-300-100 and MNIST: how many weights are left, at which error.

    python benchmarks/papers/sparse_variational.py --data-dir DIR

Molchanov, Ashukha and Vetrov, *Variational dropout sparsifies deep neural networks*, ICML 2017, table 1: 1.92 % test
error at a compression of 68. Here: 784-300-100-10 from random weights, all 60,000 training images, pixels in [0, 1],
Adam, a rate that falls to 0 in a straight line, and a penalty that grows from 0 to its full size over the first
epochs. The same network without noise trains beside it on the same batches, for a fifth of the epochs: it has
converged by then. Errors are of the test set, after the last epoch, with the weights that are left.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
from digits import MEASURES, add_place, digits, tested
from guest import compared, parser, spread, values
from torch import Tensor, nn
from torch.nn import functional as F

import droplab
from droplab.nn import SparseVariationalLinear
from droplab.training.optimise import FORGET_EVERY, forget_faded

WIDTHS = (784, 300, 100, 10)
LAYERS = ("fc1", "fc2", "fc3")
SPARSE = "sparse variational"
KIND = {"name": "sparse_variational_linear", "log_sigma2": -10.0}
ARMS = [
    {"name": "without noise"},
    {
        "name": SPARSE,
        "p": dict.fromkeys(LAYERS, 0.05),
        "kind": {"name": "sparse_variational_linear", "log_sigma2": -10.0},
    },
]
SHARE = {"better": "lower", "unit": "share"}


def lenet() -> nn.Sequential:
    """LeNet-300-100."""
    made = nn.Sequential()
    for name, (inputs, outputs) in zip(LAYERS, pairwise(WIDTHS), strict=True):
        made.add_module(name, nn.Linear(inputs, outputs))
        made.add_module(f"relu_{name}", nn.ReLU())
    return made[:-1]


@torch.no_grad()
def left(model: nn.Sequential) -> dict[str, float]:
    """The share of weights that eval mode uses, of all layers and of each."""
    layers = {name: model.get_submodule(name) for name in LAYERS}
    used = {
        name: layer.pruned() if isinstance(layer, SparseVariationalLinear) else layer.weight
        for name, layer in layers.items()
    }
    counts = {name: (int(weight.count_nonzero()), weight.numel()) for name, weight in used.items()}
    whole = sum(count for count, _ in counts.values()) / sum(size for _, size in counts.values())
    return {"left": whole, **{f"left_{name}": count / size for name, (count, size) in counts.items()}}


def train(run: droplab.Run, data_dir: Path | None, epochs: int, warm_up: int, lr: float, batch: int) -> None:
    """Adam to the end."""
    data = digits(data_dir, run.device)
    model = run.prepare(lenet)
    mine = epochs if run.arm.name == SPARSE else max(epochs // 5, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    loader = run.loader(range(len(data.y)), batch_size=batch)
    steps = mine * len(loader)
    falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    for epoch in run.epochs(epochs, optimizer=optimizer, falling=falling):
        for places in loader:
            index = places.to(run.device)
            with run.step() as step:
                loss: Tensor = F.cross_entropy(model(data.x[index]), data.y[index])
                loss = loss + min(1.0, step * mine / (warm_up * steps)) * run.penalty()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            falling.step()
            if step % FORGET_EVERY == 0:
                forget_faded(optimizer)
        run.report(**tested(model, data), **left(model))
        if epoch == mine - 1:
            break


def main() -> None:
    """Train and print."""
    options = parser(__doc__, seeds=1)
    add_place(options)
    options.add_argument("--epochs", type=int, default=100)
    options.add_argument("--warm-up", type=int, default=15, help="epochs over which the penalty grows to its full size")
    options.add_argument("--lr", type=float, default=3e-3)
    options.add_argument("--batch", type=int, default=256)
    given = options.parse_args()
    settings = {"epochs": given.epochs, "warm_up": given.warm_up, "lr": given.lr, "batch": given.batch}
    results = compared(
        partial(train, data_dir=given.data_dir, **settings),
        given,
        name=", ".join(["LeNet-300-100", *(f"{name} {value}" for name, value in settings.items())]),
        arms=ARMS,
        measures={**MEASURES, "left": SHARE, **{f"left_{name}": SHARE for name in LAYERS}},
    )
    for arm in results.record.arms:
        errors = [100 * value for value in values(results, arm, "val_error")]
        compressions = [1 / max(value, 1e-9) for value in values(results, arm, "val_left")]
        by_layer = [[100 * value for value in values(results, arm, f"val_left_{name}")] for name in LAYERS]
        print(f"{arm}: error {spread(errors)} %, compression {spread(compressions, 1)}, weights left ", end="")
        print(", ".join(f"{spread(shares, 1)} %" for shares in by_layer))


if __name__ == "__main__":
    main()
