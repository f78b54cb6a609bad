"""What a data set is once it is split: three parts, of which the test part stays sealed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from droplab.data.hashes import Duplicates, duplicates
from droplab.errors import DataError


@dataclass(frozen=True, eq=False)
class Part:
    """Samples and their labels, in memory on the CPU.

    Attributes:
        images: ``(N, C, H, W)``, or ``(N, F)`` for plain vectors; uint8 for pixels, which training scales to
            [-1, 1], or float32, which it takes as they are. Nothing is scaled here.
        labels: ``(N,)`` int64, classes counted from 0.

    Raises:
        DataError: another type or rank, or a different number of images and labels.

    >>> part = Part(torch.zeros(5, 1, 28, 28, dtype=torch.uint8), torch.arange(5))
    >>> len(part), part
    (5, Part(5 x (1, 28, 28) uint8))
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.dtype not in {torch.uint8, torch.float32} or images.ndim not in {2, 4}:
            raise DataError(
                f"images of a Part arrived as {images.dtype} with shape {tuple(images.shape)}; "
                "wanted uint8 or float32 with shape (N, C, H, W) or (N, F). "
                "droplab.data.as_split converts what can be converted."
            )
        if labels.dtype != torch.int64 or labels.ndim != 1:
            raise DataError(
                f"labels of a Part arrived as {labels.dtype} with shape {tuple(labels.shape)}; "
                "wanted int64 with shape (N,). droplab.data.as_split converts what can be converted."
            )
        if len(images) != len(labels):
            raise DataError(f"a Part has {len(images)} images and {len(labels)} labels; wanted one label each")

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        dtype = str(self.images.dtype).removeprefix("torch.")
        return f"Part({len(self)} x {tuple(self.images.shape[1:])} {dtype})"


class SealedPart:
    """The test part behind a door: its length is known, its samples come only through ``open``.

    Only ``droplab.final_evaluation`` calls ``open``, as that writes the event "the test set
    was opened" to the ledger. Whoever opens it elsewhere looks at the test set off the record.

    >>> sealed = SealedPart(Part(torch.zeros(3, 4), torch.arange(3)))
    >>> len(sealed), sealed
    (3, SealedPart(3 samples))
    """

    def __init__(self, part: Part) -> None:
        self._part = part

    def open(self) -> Part:
        """The samples. Only ``droplab.final_evaluation`` calls this (see the class)."""
        return self._part

    def duplicates(self, other: str, inputs: Tensor) -> Duplicates | None:
        """What it shares with another part's inputs; nothing else of it is told."""
        return duplicates("test", self._part.images, other, inputs)

    def __len__(self) -> int:
        return len(self._part)

    def __repr__(self) -> str:
        return f"SealedPart({len(self)} samples)"


@dataclass(frozen=True, eq=False)
class Split:
    """A data set, split once and for all arms.

    Attributes:
        name: as it was asked for: ``cifar10``, a path, ``pkg.module:function``.
        train: what runs train on.
        validation: what runs are measured on; cut out of the training data unless the source has its own.
        test: sealed.
        classes: number of classes; every label lies in ``0 .. classes - 1``.
        class_names: one name for each class.
        fingerprint: sha256 (hex) over all of the source's arrays and the indices that split them. Equal
            fingerprints mean equal parts, so a resumed experiment notices data that changed.
    """

    name: str
    train: Part
    validation: Part
    test: SealedPart
    classes: int
    class_names: tuple[str, ...]
    fingerprint: str
    trainable: int = 0
    """Training samples, and those that ``train_size`` leaves out."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample: ``(C, H, W)`` or ``(F,)``."""
        return tuple(self.train.images.shape[1:])
