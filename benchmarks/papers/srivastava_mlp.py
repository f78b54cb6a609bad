"""MNIST with a fully connected network: standard, with dropout, and with dropout and max-norm.

    python benchmarks/papers/srivastava_mlp.py --data-dir DIR                        # a subset, for two CPU cores
    python benchmarks/papers/srivastava_mlp.py --data-dir DIR --full --device cuda   # the paper's size

Srivastava et al., *Dropout*, JMLR 2014, table 2: 1.60 % test error without dropout, 1.25 % with it (three layers of
1,024 ReLU), 1.06 % with max-norm too. 20 % of the inputs and 50 % of the hidden units are dropped; the bound of
max-norm is 2. All arms share initial weights, images, batches and recipe (SGD, momentum 0.95, a rate that falls to 0
in a straight line). Errors are of the test set after the last epoch: nothing is chosen by them, and the verdict reads
"validation" where it is the test set.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from digits import MEASURES, add_place, digits, tested
from guest import compared, parser, spread, values
from torch.nn import functional as F

import droplab
from droplab.models import SrivastavaMLP
from droplab.training.optimise import apply_max_norm

RATES = {"drop0": 0.2, "drop[1-3]": 0.5}
ARMS = [
    {"name": "standard"},
    {"name": "dropout", "p": RATES},
    {"name": "dropout + max-norm", "p": RATES},
]
BOUNDS = {"dropout + max-norm": 2.0}


def train(run: droplab.Run, data_dir: Path | None, size: int, width: int, epochs: int, lr: float) -> None:
    """SGD to the end."""
    data = digits(data_dir, run.device)
    model = run.prepare(lambda: SrivastavaMLP((784,), 10, hidden=width))
    chosen = torch.randperm(len(data.y), generator=torch.Generator().manual_seed(run.seed))[:size].to(run.device)
    bound = BOUNDS.get(run.arm.name)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.95)
    loader = run.loader(range(size), batch_size=128)
    steps = epochs * len(loader)
    falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    for _ in run.epochs(epochs, optimizer=optimizer, falling=falling):
        losses = torch.zeros(())
        for places in loader:
            index = chosen[places.to(run.device)]
            with run.step():
                loss = F.cross_entropy(model(data.x[index]), data.y[index])
                optimizer.zero_grad()
                loss.backward()
            optimizer.step()
            falling.step()
            if bound is not None:
                apply_max_norm(model, bound)
            losses += loss.detach().cpu() / len(loader)
        run.report(train_loss=losses, **tested(model, data))


def main() -> None:
    """Train and print."""
    options = parser(__doc__, seeds=3)
    add_place(options)
    options.add_argument("--full", action="store_true", help="60,000 images, 1,024 units, 300 epochs")
    options.add_argument("--size", type=int, default=10_000, help="training images")
    options.add_argument("--width", type=int, default=256, help="units of each of the three hidden layers")
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--lr", type=float, default=0.03)
    given = options.parse_args()
    size, width, epochs = (60_000, 1024, 300) if given.full else (given.size, given.width, given.epochs)
    loop = partial(train, data_dir=given.data_dir, size=size, width=width, epochs=epochs, lr=given.lr)
    name = f"MNIST MLP, {size} images, {width} units, {epochs} epochs, lr {given.lr}"
    results = compared(loop, given, name=name, arms=ARMS, measures=MEASURES)
    for arm in results.record.arms:
        print(f"{arm}: {spread([100 * value for value in values(results, arm, 'val_error')])} %")
    for baseline in ("standard", "dropout"):
        verdict = droplab.judge(replace(results.record, baseline=baseline))
        for e in verdict.effects:
            if e.endpoint == "val_error" and e.arm != "standard":
                mean, low, high = (100 * value for value in (e.mean, e.low, e.high))
                print(f"{e.arm} minus {baseline}: {mean:+.2f} [{low:+.2f}, {high:+.2f}] points, p = {e.p:.3f}")


if __name__ == "__main__":
    main()
