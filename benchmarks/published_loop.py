"""The tutorial's training as published: the peer of ``tutorial_loop.py``, faithful to its habits.

Per-sample conversion from image, a DataLoader with 2 workers, plain NCHW, ReLU before pooling, unfused Adam,
``zero_grad`` twice, correct predictions counted by Python's ``sum`` over a tensor, ``wandb.watch(log="all")``.
Each habit is a switch, so that its price can be measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import wandb
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from droplab.training.optimise import FORGET_EVERY, forget_faded


@dataclass(frozen=True)
class Habits:
    """True where the published loop does it."""

    watch: bool = True
    loader: bool = True
    waste: bool = True
    """``zero_grad`` twice, ``sum`` over a tensor, ``.item()`` of every loss."""
    nchw: bool = True
    unfused: bool = True
    relu_first: bool = True
    faded: bool = True
    """Moments of dead units are left to become subnormal numbers."""


class Images(Dataset):
    """Images converted one by one, as torchvision's ``ToTensor`` and ``Normalize`` do."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = Image.fromarray(self.images[index])
        pixels = torch.from_numpy(np.array(picture, copy=True)).permute(2, 0, 1).contiguous()
        return pixels.to(torch.float32).div(255).sub_(0.5).div_(0.5), int(self.labels[index])


class Net(nn.Module):
    """The published network; one dropout module used twice."""

    def __init__(self, p: float, *, relu_first: bool) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 64, 3), nn.Conv2d(64, 128, 3)
        self.dropout = nn.Dropout(p)
        self.fc1, self.fc2 = nn.Linear(512, 512), nn.Linear(512, 10)
        self.relu_first = relu_first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(N, 3, 32, 32)`` to ``(N, 10)``."""
        for conv in (self.conv1, self.conv2, self.conv3):
            x = F.max_pool2d(F.relu(conv(x)), 2) if self.relu_first else F.relu(F.max_pool2d(conv(x), 2))
        x = self.dropout(torch.flatten(x, 1))
        return self.fc2(self.dropout(F.relu(self.fc1(x))))


def batches(data: Images, habits: Habits, *, shuffle: bool) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The epoch's batches of 32: from the DataLoader, or from tensors in memory."""
    if habits.loader:
        yield from DataLoader(data, batch_size=32, shuffle=shuffle, num_workers=2)
        return
    order = torch.randperm(len(data)) if shuffle else torch.arange(len(data))
    for index in order.split(32):
        yield data.memory[index], data.targets[index]


def train(  # noqa: C901  # the published loop, in its own order
    data: Images, held_out: Images, p: float, epochs: int, seed: int, habits: Habits
) -> dict[str, float]:
    """Train as published; training seconds, all seconds, and the last validation accuracy."""
    torch.manual_seed(seed)
    for part in (data, held_out):
        if not habits.loader and not hasattr(part, "memory"):
            stored = torch.from_numpy(part.images).float().div_(127.5).sub_(1)
            part.memory = stored.permute(0, 3, 1, 2)
            part.memory = part.memory.contiguous() if habits.nchw else part.memory
            part.targets = torch.from_numpy(part.labels)
    model = Net(p, relu_first=habits.relu_first)
    if not habits.nchw:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), fused=None if habits.unfused else True)
    run = wandb.init(mode="offline", project="benchmark", reinit="finish_previous") if habits.watch else None
    if run:
        run.watch(model, log="all")
    began, training, accuracy = time.perf_counter(), 0.0, 0.0
    for epoch in range(epochs):
        start = time.perf_counter()
        model.train()
        total, correct = 0.0, 0
        for step, (images, labels) in enumerate(batches(data, habits, shuffle=True)):
            optimizer.zero_grad()
            output = model(images)
            loss = F.cross_entropy(output, labels)
            if habits.waste:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if not habits.faded and step % FORGET_EVERY == 0:
                forget_faded(optimizer)
            hits = torch.argmax(output, 1) == labels
            total += loss.item() if habits.waste else loss.detach()
            correct += sum(hits).item() if habits.waste else hits.sum()
        training += time.perf_counter() - start
        model.eval()
        right = 0
        with torch.no_grad():
            for images, labels in batches(held_out, habits, shuffle=False):
                hits = torch.argmax(model(images), 1) == labels
                right += sum(hits).item() if habits.waste else int(hits.sum())
        accuracy = right / len(held_out)
        if run:
            run.log({"Train Loss": float(total) / len(data), "Train Accuracy": float(correct) / len(data)})
            run.log({"Test Accuracy": accuracy, "epoch": epoch})
    seconds = time.perf_counter() - began
    if run:
        run.unwatch(model)
        run.finish()
    return {"training": training, "seconds": seconds, "accuracy": accuracy}
