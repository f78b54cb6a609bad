"""Tabular regression: does dropout help, where, and does a schedule help? With a learning-rate plan."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

import droplab

draw = torch.Generator().manual_seed(0)
x = torch.randn(400, 12, generator=draw)
y = (x[:, 0] * x[:, 1] + x[:, 2].sin() + 0.5 * torch.randn(400, generator=draw))[:, None]
train_set = TensorDataset(x[:200], y[:200])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.out = nn.Linear(12, 64), nn.Linear(64, 64), nn.Linear(64, 1)
        self.drop1, self.drop2 = nn.Dropout(), nn.Dropout()

    def forward(self, x):
        x = self.drop1(F.relu(self.fc1(x)))
        return self.out(self.drop2(F.relu(self.fc2(x))))


def train(run: droplab.Run) -> None:
    model = run.prepare(Net)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    loader = run.loader(train_set, batch_size=20)
    for _ in run.epochs(10, optimizer=optimizer, plan=plan):
        for inputs, targets in loader:
            with run.step():
                loss = F.mse_loss(model(inputs), targets) + run.penalty()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        plan.step()
        model.eval()
        with torch.no_grad():
            fit, held_out = model(x[:200]), model(x[200:])
        run.report(fit_mse=F.mse_loss(fit, y[:200]), val_mse=F.mse_loss(held_out, y[200:]))
        run.report(val_mae=F.l1_loss(held_out, y[200:]))


if __name__ == "__main__":
    arms = [0, 0.2, {"drop2": 0.3, "drop1": 0}, {"p": 0.2, "schedule": "linear"}]
    print(droplab.compare(train, arms=arms, seeds=3, measures={"mse": "lower", "mae": "lower"}))
