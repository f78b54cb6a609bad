"""MNIST with a fully connected network: standard, with dropout, and with dropout and max-norm.

    python benchmarks/papers/srivastava_mlp.py --data-dir DIR                        # a subset, for two CPU cores
    python benchmarks/papers/srivastava_mlp.py --data-dir DIR --full --device cuda   # the paper's size

Srivastava et al., *Dropout*, JMLR 2014, table 2: 1.60 % test error without dropout, 1.25 % with it (three layers of
1,024 ReLU), 1.06 % with max-norm too. 20 % of the inputs and 50 % of the hidden units are dropped; the bound of
max-norm is 2. All arms share initial weights, batches and recipe (SGD, momentum 0.95, a rate that falls to 0 in a
straight line); masks are keyed, so a run can be repeated to the bit. Errors are of the test set after the last epoch:
nothing is chosen by them.
"""

from __future__ import annotations

import torch
from digits import RESULTS, Digits, digits, error, parser, spread, write
from torch import nn
from torch.nn import functional as F

import droplab
from droplab.analysis.paired import paired_t
from droplab.models import SrivastavaMLP
from droplab.training.optimise import apply_max_norm

ARMS = {"standard": (0.0, 0.0, None), "dropout": (0.2, 0.5, None), "dropout + max-norm": (0.2, 0.5, 2.0)}
"""Rate at the input, rate of hidden units, bound."""


def train(
    model: nn.Module, data: Digits, chosen: torch.Tensor, seed: int, epochs: int, lr: float, bound: float | None
) -> float:
    """SGD to the end; the last epoch's mean training loss."""
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.95)
    steps, step, losses = epochs * -(-len(chosen) // 128), 0, []
    for epoch in range(epochs):
        for places in torch.randperm(len(chosen), generator=order).split(128):
            optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
            index = chosen[places.to(chosen.device)]
            with droplab.keyed(model, seed=seed, step=step, samples=index):
                loss = F.cross_entropy(model(data.x[index]), data.y[index])
                optimizer.zero_grad()
                loss.backward()
            optimizer.step()
            if bound is not None:
                apply_max_norm(model, bound)
            if epoch == epochs - 1:
                losses.append(float(loss.detach()))
            step += 1
    return sum(losses) / len(losses)


def run(data: Digits, arm: str, seed: int, size: int, width: int, epochs: int, lr: float) -> dict[str, object]:
    """One arm with one seed."""
    p_input, p, bound = ARMS[arm]
    torch.manual_seed(seed)
    model = SrivastavaMLP((784,), 10, hidden=width, p_input=p_input, p=p)
    chosen = torch.randperm(len(data.y))[:size].to(data.y.device)
    droplab.replace(model)
    model.to(data.y.device)
    loss = train(model, data, chosen, seed, epochs, lr, bound)
    return {
        "arm": arm,
        "seed": seed,
        "images": size,
        "width": width,
        "epochs": epochs,
        "last_training_loss": round(loss, 5),
        "test_error_percent": round(error(model, data.test_x, data.test_y), 2),
    }


def main() -> None:
    """Train, print and write."""
    options = parser(__doc__, seeds=3)
    options.add_argument("--full", action="store_true", help="60,000 images, 1,024 units, 300 epochs")
    options.add_argument("--size", type=int, default=10_000, help="training images")
    options.add_argument("--width", type=int, default=256, help="units of each of the three hidden layers")
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--lr", type=float, default=0.03)
    given = options.parse_args()
    size, width, epochs = (60_000, 1024, 300) if given.full else (given.size, given.width, given.epochs)
    torch.set_num_threads(1)
    data = digits(given.data_dir, given.device)
    rows: list[dict[str, object]] = []
    for seed in range(given.seeds):
        for arm in ARMS:
            rows.append(run(data, arm, seed, size, width, epochs, given.lr))
            print(rows[-1], flush=True)
    errors = {arm: [float(str(r["test_error_percent"])) for r in rows if r["arm"] == arm] for arm in ARMS}
    for arm, found in errors.items():
        print(f"{arm}: {spread(found)} %")
    for arm, other in (("dropout", "standard"), ("dropout + max-norm", "standard"), ("dropout + max-norm", "dropout")):
        pair = paired_t([a - b for a, b in zip(errors[arm], errors[other], strict=True)], resolution=0.01)
        print(f"{arm} minus {other}: {pair.mean:+.2f} [{pair.low:+.2f}, {pair.high:+.2f}] points, p = {pair.p:.3f}")
    write(given.out or RESULTS / "srivastava_mlp.csv", rows)


if __name__ == "__main__":
    main()
