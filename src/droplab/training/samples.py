"""A split's samples as tensors on the training device, normalised once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from droplab.data import Part, Split
from droplab.data.memory import check_room, told_if_full


@dataclass(frozen=True)
class Samples:
    """Samples with labels on the device. Images are stored ``(N, H, W, C)`` and handed out ``(B, C, H, W)``.

    That layout is torch's channels_last without a copy per batch.
    """

    stored: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """The samples at ``index`` (on the device), ``(B, C, H, W)`` and ``(B,)``."""
        return _channels_second(self.stored[index]), self.labels[index]

    def chunks(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All samples in order, ``size`` at a time, without a copy."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield _channels_second(self.stored[part]), self.labels[part]

    def subset(self, count: int) -> Samples:
        """``count`` samples at equal distances; the same ones on every call."""
        index = torch.linspace(0, len(self) - 1, min(count, len(self))).round().long().to(self.labels.device)
        return Samples(self.stored[index], self.labels[index])


def _channels_second(stored: Tensor) -> Tensor:
    return stored.permute(0, 3, 1, 2) if stored.ndim == 4 else stored


def to_samples(part: Part, device: torch.device) -> Samples:
    """A part on the device: uint8 becomes ``(x / 255 - 0.5) / 0.5`` in float32, as in the tutorial; floats stay."""
    images = part.images
    if images.ndim == 4:
        images = images.permute(0, 2, 3, 1)
    images = images.contiguous().to(device)
    if images.dtype == torch.uint8:
        images = images.float().div_(127.5).sub_(1.0)
    return Samples(images.float(), part.labels.to(device))


@dataclass(frozen=True)
class RunData:
    """A split as runs see it: training, fit and validation samples on the device; one for all runs of a process."""

    train: Samples
    fit: Samples
    validation: Samples
    shape: tuple[int, ...]
    classes: int
    device: torch.device


def lay_out(split: Split, fit_size: int, device: torch.device) -> RunData:
    """Lay a split out on the device. The test part stays sealed.

    Args:
        split: from ``droplab.data.load``.
        fit_size: samples of the fixed training subset for eval-mode measurements.
        device: where training happens.

    Raises:
        DataError: it does not fit into memory; the message has the sizes.
    """
    _check_room(split, device)
    with told_if_full(f"laying out {split.name}"):
        return _laid_out(split, fit_size, device)


def _check_room(split: Split, device: torch.device) -> None:
    if device.type != "cpu":
        return
    count = len(split.train) + len(split.validation)
    check_room(
        f"{count:,} training and validation samples of {split.name} with shape {tuple(split.shape)}, as float32,",
        4 * count * math.prod(split.shape),
    )


def _laid_out(split: Split, fit_size: int, device: torch.device) -> RunData:
    train = to_samples(split.train, device)
    return RunData(
        train=train,
        fit=train.subset(fit_size),
        validation=to_samples(split.validation, device),
        shape=tuple(split.shape),
        classes=split.classes,
        device=device,
    )
