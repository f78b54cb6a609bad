"""MNIST for the benchmarks here, checked, as ``(N, 784)`` in [0, 1]; and what they have in common."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor, nn

from droplab.analysis.student import quantile
from droplab.data import default_data_dir
from droplab.data.mnist import Mnist
from droplab.data.parts import Part

RESULTS = Path(__file__).parent.parent / "results"


class Digits(NamedTuple):
    """Training and test part."""

    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor


def parser(description: str | None, seeds: int) -> argparse.ArgumentParser:
    """What every benchmark here takes."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data-dir", type=Path, default=None, help="where MNIST's idx files are (default: DROPLAB_DATA)")
    made.add_argument("--seeds", type=int, default=seeds)
    made.add_argument("--device", default="cpu")
    made.add_argument("--out", type=Path, default=None, help="CSV to write, in place of the one in benchmarks/results")
    return made


def digits(data_dir: Path | None, device: str) -> Digits:
    """All of it; md5s are checked, what is absent is downloaded, and the error says how to get it by hand."""
    source = Mnist().read(default_data_dir() if data_dir is None else data_dir.absolute())
    assert source.test is not None
    return Digits(*flat(source.train, device), *flat(source.test, device))


def flat(part: Part, device: str) -> tuple[Tensor, Tensor]:
    """Rows of pixels in [0, 1], and labels."""
    return part.images.flatten(1).to(device).float().div_(255), part.labels.to(device)


@torch.no_grad()
def error(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of wrong answers in eval mode, in per cent."""
    model.eval()
    wrong = sum(int((model(a).argmax(1) != b).sum()) for a, b in zip(x.split(2000), y.split(2000), strict=True))
    model.train()
    return 100 * wrong / len(y)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """``mean ± half the 95 % interval`` over seeds."""
    mean, n = fmean(values), len(values)
    if n < 2:
        return f"{mean:.{digits}f}"
    sd = (sum((value - mean) ** 2 for value in values) / (n - 1)) ** 0.5
    return f"{mean:.{digits}f} ± {quantile(0.975, n - 1) * sd / n**0.5:.{digits}f}"


def write(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """A CSV of all rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
