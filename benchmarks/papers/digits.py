"""MNIST for the benchmarks here, checked, as ``(N, 784)`` in [0, 1]."""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.data import default_data_dir
from droplab.data.mnist import Mnist
from droplab.data.parts import Part

MEASURES = {"error": {"better": "lower", "unit": "share"}, "loss": {"better": "lower", "unit": "nats"}}


class Digits(NamedTuple):
    """Training and test part."""

    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor


def add_place(parser: argparse.ArgumentParser) -> None:
    """The option that says where the files are."""
    parser.add_argument("--data-dir", type=Path, help="where MNIST's idx files are (default: DROPLAB_DATA)")


@cache
def digits(data_dir: Path | None, device: torch.device) -> Digits:
    """All of it; md5s are checked, what is absent is downloaded, and the error says how to get it by hand."""
    source = Mnist().read(default_data_dir() if data_dir is None else data_dir.absolute())
    assert source.test is not None
    return Digits(*flat(source.train, device), *flat(source.test, device))


def flat(part: Part, device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows of pixels in [0, 1], and labels."""
    return part.images.flatten(1).to(device).float().div_(255), part.labels.to(device)


@torch.no_grad()
def tested(model: nn.Module, data: Digits) -> dict[str, float]:
    """Mean loss and share of wrong answers on the test set, in eval mode."""
    model.eval()
    loss, wrong = 0.0, 0
    for x, y in zip(data.test_x.split(2000), data.test_y.split(2000), strict=True):
        scores = model(x)
        loss += float(F.cross_entropy(scores, y, reduction="sum"))
        wrong += int((scores.argmax(1) != y).sum())
    return {"val_loss": loss / len(data.test_y), "val_error": wrong / len(data.test_y)}
