"""The data sets that droplab knows by name: what they are. No torch; ``data/`` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetInfo:
    """A line of the catalogue; ``sizes`` has the number of samples per part as ``load`` gives them."""

    name: str
    description: str
    licence: str
    shape: tuple[int, ...]
    classes: int
    sizes: Mapping[str, int]
    needs_download: bool


_INFOS = (
    DatasetInfo(
        "fashion-mnist-mini",
        "6,000 grey photographs of ten kinds of clothing, out of Fashion-MNIST's 70,000",
        "MIT, copyright 2017 Zalando SE",
        (1, 28, 28),
        10,
        {"train": 3_000, "validation": 1_000, "test": 2_000},
        needs_download=False,
    ),
    DatasetInfo(
        "cifar10",
        "60,000 colour photographs of ten kinds of animals and vehicles (Krizhevsky, 2009)",
        "none stated by its authors; downloaded from them or from Zenodo, not redistributed",
        (3, 32, 32),
        10,
        {"train": 45_000, "validation": 5_000, "test": 10_000},
        needs_download=True,
    ),
    DatasetInfo(
        "mnist",
        "70,000 grey pictures of handwritten digits (LeCun, Cortes and Burges, 1998)",
        "CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
        (1, 28, 28),
        10,
        {"train": 50_000, "validation": 10_000, "test": 10_000},
        needs_download=True,
    ),
)


def catalogue() -> tuple[DatasetInfo, ...]:
    """What can be loaded by name; the first is the default.

    >>> [info.name for info in catalogue()]
    ['fashion-mnist-mini', 'cifar10', 'mnist']
    """
    return _INFOS
