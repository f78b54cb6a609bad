"""A split's samples as tensors on the training device, normalised once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from droplab.data import Part, Split
from droplab.data.memory import check_room, told_if_full
from droplab.data.picked import Source, pick
from droplab.data.samples import Samples as InMemory
from droplab.data.shapes import count
from droplab.spec.arm import ArmSpec
from droplab.spec.changes import SIZE
from droplab.tasks.classification import Classification
from droplab.tasks.split import TaskSplit
from droplab.tasks.task import Task

AT_ONCE = 512
"""Samples that are evaluated together, where they are small."""
_NUMBERS = 2**24
"""Of inputs and outputs in such a batch at most; a model's inner ones are many times more."""


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

    train: Any
    """``Samples`` of images and labels; of other tasks a ``droplab.data.picked.Source``."""
    fit: Any
    validation: Any
    shape: Any
    """Of one sample's inputs: a tuple, or a table of such."""
    classes: int
    device: torch.device
    task: Task = field(default_factory=Classification)
    """What a batch is asked."""
    at_once: int = AT_ONCE
    """Samples that are evaluated together, where a batch that is trained on is not larger."""
    groups: Any = None
    """``(N,)``, of the validation samples, where the data have groups."""
    sizes: Mapping[int | None, RunData] = field(default_factory=dict)
    """The same with other numbers of training samples, those that arms ask for; validation samples are shared."""

    def of(self, arm: ArmSpec) -> RunData:
        """The data that an arm trains on."""
        return self.sizes[arm.recipe[SIZE]] if SIZE in arm.recipe else self


def lay_out(split: Split | TaskSplit, fit_size: int, device: torch.device, task: Task | None = None) -> RunData:
    """Lay a split out on the device. The test part stays sealed.

    Args:
        split: from ``droplab.data.load``.
        fit_size: samples of the fixed training subset for eval-mode measurements.
        device: where training happens.
        task: where it is not plain classification.

    Raises:
        DataError: it does not fit into memory; the message has the sizes.
    """
    if isinstance(split, TaskSplit):
        assert task is not None
        with told_if_full(f"laying out {split.name}"):
            return _as_it_is(split, fit_size, device, task)
    _check_room(split, device)
    with told_if_full(f"laying out {split.name}"):
        return _laid_out(split, fit_size, device)


def _as_it_is(split: TaskSplit, fit_size: int, device: torch.device, task: Task) -> RunData:
    """What is in memory goes to the device; the rest stays where it is, and goes there batch by batch."""
    train, validation = to_device(split.train, device), to_device(split.validation, device)
    chosen = torch.linspace(0, len(train) - 1, min(fit_size, len(train))).round().long()
    groups = split.validation_groups
    each = count(split.shape) + task.guess(split.looked["train"]).numel()
    at_once = max(1, min(AT_ONCE, _NUMBERS // each))
    return RunData(train, pick(train, chosen), validation, split.shape, split.classes, device, task, at_once, groups)


def to_device(source: Source, device: torch.device) -> Source:
    """A source on the device, where it is in memory at all."""
    return source.to(device) if isinstance(source, InMemory) else source


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
