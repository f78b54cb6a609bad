"""Training loops as users write them, for the tests."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

_DRAWN = torch.Generator().manual_seed(0)
X = torch.randn(96, 4, generator=_DRAWN)
Y = X[:, :1].sin() + 0.3 * torch.randn(96, 1, generator=_DRAWN)
TRAIN = TensorDataset(X[:64], Y[:64])
MEASURES = {"loss": "lower", "mae": "lower"}


class Net(nn.Module):
    """Two layers, and dropout between them."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 16)
        self.drop = nn.Dropout(0.0)
        self.last = nn.Linear(16, 1)

    def forward(self, x):
        return self.last(self.drop(self.first(x).relu()))


def figures(model):
    """Of parts that were not trained on, in eval mode."""
    model.eval()
    with torch.no_grad():
        fit, val = model(X[:64]), model(X[64:])
        return {
            "fit_loss": F.mse_loss(fit, Y[:64]),
            "val_loss": F.mse_loss(val, Y[64:]),
            "fit_mae": F.l1_loss(fit, Y[:64]),
            "mae": F.l1_loss(val, Y[64:]),
        }


def trained(run, epochs=3):
    """Each epoch, trained, and the model in eval mode."""
    model = run.prepare(Net)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = run.loader(TRAIN, batch_size=16)
    for epoch in run.epochs(epochs, optimizer=optimizer):
        for x, y in loader:
            with run.step():
                optimizer.zero_grad()
                F.mse_loss(model(x), y).backward()
                optimizer.step()
        yield epoch, model.eval()


def regression(run, epochs=3, workers=0, before_report=lambda epoch: None):
    """A learning-rate schedule, an averaged model, a value of its own, and random numbers of its own."""
    model = run.prepare(Net)
    average = torch.optim.swa_utils.AveragedModel(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    decay = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2])
    loader = run.loader(TRAIN, batch_size=16, num_workers=workers)
    kept = {"optimizer": optimizer, "decay": decay, "average": average}
    for epoch in run.epochs(epochs, model=model, best=float("inf"), **kept):
        for x, y in loader:
            with run.step():
                noise = 0.01 * torch.randn_like(x)
                loss = F.mse_loss(model(x + noise), y) + run.penalty()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            average.update_parameters(model)
        decay.step()
        found = figures(model)
        run.keep(best=min(run.kept["best"], float(found["val_loss"])))
        before_report(epoch)
        run.report(**found, train_loss=run.kept["best"], train_mae=F.l1_loss(average(X), Y).detach())


class Pair(nn.Module):
    """A small network with dropout, for either side of a GAN."""

    def __init__(self, wide, out):
        super().__init__()
        self.first = nn.Linear(wide, 8)
        self.drop = nn.Dropout(0.0)
        self.last = nn.Linear(8, out)

    def forward(self, x):
        return self.last(self.drop(self.first(x).relu()))


def gan(run):
    """Two models, two optimisers, two passes of one of them per step."""
    generator = run.prepare(lambda: Pair(2, 4), "generator")
    critic = run.prepare(lambda: Pair(4, 1), "critic")
    ours = torch.optim.Adam(generator.parameters(), lr=1e-2)
    theirs = torch.optim.Adam(critic.parameters(), lr=1e-2)
    loader = run.loader(TRAIN, batch_size=16)
    for _ in run.epochs(2, ours=ours, theirs=theirs):
        for x, _ in loader:
            with run.step():
                fake = generator(torch.randn(len(x), 2))
                loss = F.softplus(-critic(x)).mean() + F.softplus(critic(fake.detach())).mean()
                theirs.zero_grad()
                loss.backward()
                theirs.step()
                loss = F.softplus(-critic(fake)).mean()
                ours.zero_grad()
                loss.backward()
                ours.step()
        run.report(val_loss=loss.item())
