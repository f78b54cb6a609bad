"""A small GAN: two models, two optimisers, several passes per step; dropout in the critic, the generator, or both."""

import torch
from torch import nn
from torch.nn import functional as F

import droplab

draw = torch.Generator().manual_seed(0)
angle = 6.2832 * torch.rand(256, 1, generator=draw)
ring = torch.cat([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(256, 2, generator=draw)


def network(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(inputs, 32), nn.LeakyReLU(0.2), nn.Dropout(0), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Dropout(0),
        nn.Linear(32, outputs),
    )  # fmt: skip


def train(run: droplab.Run) -> None:
    generator = run.prepare(lambda: network(4, 2), "generator")
    critic = run.prepare(lambda: network(2, 1), "critic")
    ours = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.99))
    theirs = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.99))
    loader = run.loader(ring, batch_size=32)
    for _ in run.epochs(5, ours=ours, theirs=theirs):
        for real in loader:
            with run.step():
                fake = generator(torch.randn(len(real), 4))
                loss = F.softplus(-critic(real)).mean() + F.softplus(critic(fake.detach())).mean()
                theirs.zero_grad()
                loss.backward()
                theirs.step()
                ours.zero_grad()
                F.softplus(-critic(fake)).mean().backward()
                ours.step()
        generator.eval()
        with torch.no_grad():
            points = generator(torch.randn(256, 4))
        run.report(
            distance=torch.cdist(ring, points).min(1).values.mean(), radius=(points.norm(dim=1) - 1).abs().mean()
        )


if __name__ == "__main__":
    arms = [0, {"critic.*": 0.2}, {"generator.*": 0.2}, 0.2]
    measures = {"distance": "lower", "radius": "lower"}
    print(droplab.compare(train, arms=arms, seeds=2, measures=measures, name="a ring"))
