"""Sparse variational dropout on LeNet-300-100 and MNIST: how many weights are left, at which error.

    python benchmarks/papers/sparse_variational.py --data-dir DIR

Molchanov, Ashukha and Vetrov, *Variational dropout sparsifies deep neural networks*, ICML 2017, table 1: 1.92 % test
error at a compression of 68. Here: 784-300-100-10 from random weights, all 60,000 training images, pixels in [0, 1],
Adam, a rate that falls to 0 in a straight line, and a penalty that grows from 0 to its full size over the first
epochs. The same network without noise trains beside it on the same batches. Errors are of the test set, after the last
epoch, with the weights that are left.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from digits import RESULTS, Digits, digits, error, parser, spread, write
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.nn import SparseVariationalLinear, penalty
from droplab.training.optimise import FORGET_EVERY, forget_faded

SIZES = (784, 300, 100, 10)


def lenet(seed: int, *, sparse: bool) -> nn.Sequential:
    """LeNet-300-100; the same weights for a seed, sparse or not."""
    torch.manual_seed(seed)
    linear = [nn.Linear(n, m) for n, m in pairwise(SIZES)]
    layers = [SparseVariationalLinear.adopt(layer, log_sigma2=-10.0) if sparse else layer for layer in linear]
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


def train(model: nn.Module, data: Digits, seed: int, epochs: int, warm_up: int, lr: float, batch: int) -> None:
    """Adam to the end; batches follow the seed."""
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    count = len(data.y)
    steps = epochs * -(-count // batch)
    step = 0
    for epoch in range(epochs):
        for index in torch.randperm(count, generator=order).to(data.y.device).split(batch):
            optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
            loss: Tensor = F.cross_entropy(model(data.x[index]), data.y[index])
            extra = penalty(model)
            if extra is not None:
                loss = loss + min(1.0, step * epochs / (warm_up * steps)) * extra / count
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % FORGET_EVERY == 0:
                forget_faded(optimizer)
            step += 1
        if epoch % 10 == 9:
            print(f"  epoch {epoch + 1}: error {error(model, data.test_x, data.test_y):.2f} %{kept(model)}", flush=True)


def sparse_layers(model: nn.Module) -> list[SparseVariationalLinear]:
    """Those that prune."""
    return [layer for layer in model.modules() if isinstance(layer, SparseVariationalLinear)]


def kept(model: nn.Module) -> str:
    """How much is left, in words."""
    layers = sparse_layers(model)
    return f", compression {compression(layers):.1f}" if layers else ""


def compression(layers: list[SparseVariationalLinear]) -> float:
    """All weights over those that are left."""
    left = sum(int(layer.pruned().count_nonzero()) for layer in layers)
    return sum(layer.weight.numel() for layer in layers) / max(left, 1)


def main() -> None:
    """Train, print and write."""
    options = parser(__doc__, seeds=1)
    options.add_argument("--epochs", type=int, default=100)
    options.add_argument("--warm-up", type=int, default=15, help="epochs over which the penalty grows to its full size")
    options.add_argument("--lr", type=float, default=3e-3)
    options.add_argument("--batch", type=int, default=256)
    options.add_argument("--first-seed", type=int, default=0)
    given = options.parse_args()
    torch.set_num_threads(1)
    data = digits(given.data_dir, given.device)
    rows: list[dict[str, object]] = []
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        for sparse in (False, True):
            model = lenet(seed, sparse=sparse).to(given.device)
            print(f"seed {seed}, {'sparse variational' if sparse else 'plain'}", flush=True)
            epochs = given.epochs if sparse else max(given.epochs // 5, 1)  # without noise it has long converged
            train(model, data, seed, epochs, given.warm_up, given.lr, given.batch)
            layers = sparse_layers(model)
            for layer in layers:
                layer.prune()
            rows.append(
                {
                    "seed": seed,
                    "network": "sparse variational" if sparse else "plain",
                    "epochs": epochs,
                    "test_error_percent": round(error(model, data.test_x, data.test_y), 2),
                    "compression": round(compression(layers), 1) if sparse else 1.0,
                    **{f"sparsity_fc{n}": round(layers[n - 1].sparsity(), 4) if sparse else 0.0 for n in (1, 2, 3)},
                }
            )
            print(rows[-1], flush=True)
    for network in ("plain", "sparse variational"):
        mine = [row for row in rows if row["network"] == network]
        for what in ("test_error_percent", "compression"):
            print(f"{network}: {what} {spread([float(str(row[what])) for row in mine])}")
    write(given.out or RESULTS / "sparse_variational.csv", rows)


if __name__ == "__main__":
    main()
