"""Samples in memory: inputs and targets as trees of tensors, whatever they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from droplab.data.trees import Tree, leaves, length, mapped, picked, to_tensors
from droplab.errors import DataError


class Batch(NamedTuple):
    """What a step gets: inputs for the model, targets for the task."""

    inputs: Tree
    targets: Tree


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of any kind, all in memory.

    Attributes:
        inputs: tree of tensors ``(N, …)``; a model is called with the tensor, with the tuple's, or with the table's
            entries by name.
        targets: tree of tensors ``(N, …)``.

    Raises:
        DataError: trees that disagree on the number of samples.

    >>> samples = Samples(torch.arange(6.0).reshape(3, 2), torch.arange(3))
    >>> [batch.targets.tolist() for batch in samples.chunks(2)]
    [[0, 1], [2]]
    >>> samples.take(torch.tensor([2, 0])).inputs
    tensor([[4., 5.],
            [0., 1.]])
    """

    inputs: Tree
    targets: Tree
    _count: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        count, others = length("inputs", self.inputs), length("targets", self.targets)
        if count != others:
            raise DataError(
                f"inputs have {count:,} samples and targets {others:,}; wanted one target for each sample. Check that "
                "both come from the same rows."
            )
        if count == 0:
            raise DataError("there is no sample; wanted at least one")
        object.__setattr__(self, "_count", count)

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"Samples({len(self):,}: {_shapes(self.inputs)} to {_shapes(self.targets)})"

    def __getitem__(self, index: int) -> Batch:
        """One sample, so that a ``DataLoader`` takes these samples too."""
        return Batch(*picked((self.inputs, self.targets), index))

    def __getitems__(self, indices: list[int]) -> list[Batch]:
        return [self[index] for index in indices]

    def take(self, ids: Tensor) -> Batch:
        """The samples with those numbers, ``(B,)`` int64, in that order."""
        return Batch(*picked((self.inputs, self.targets), ids))

    def chunks(self, size: int) -> Iterator[Batch]:
        """All samples in order, ``size`` at a time, without a copy; the last batch may be smaller."""
        for start in range(0, len(self), size):
            yield Batch(*picked((self.inputs, self.targets), slice(start, start + size)))

    def subset(self, ids: Tensor) -> Samples:
        """Those samples alone."""
        return Samples(*self.take(ids))

    def to(self, device: torch.device | str) -> Samples:
        """The same on a device."""
        return Samples(*mapped(lambda tensor: tensor.to(device), (self.inputs, self.targets)))

    def bytes(self) -> int:
        """What they hold in memory."""
        return sum(tensor.numel() * tensor.element_size() for _, tensor in leaves((self.inputs, self.targets)))


def _shapes(tree: Tree) -> str:
    found = [
        f"{path + ' ' if path else ''}{tuple(tensor.shape[1:])} {str(tensor.dtype).removeprefix('torch.')}"
        for path, tensor in leaves(tree)
    ]
    return found[0] if len(found) == 1 else f"({', '.join(found)})"


def as_samples(inputs: Tree, targets: Tree, *, images: bool = False) -> Samples:
    """Samples from tensors, arrays or lists, nested as you like.

    What is done to numbers: floats become float32, whole numbers stay whole (int64; targets of more than one dimension
    that are ``uint8`` or ``bool`` stay that). Nothing is scaled, but for pixels where you say that the inputs are
    images: ``uint8`` leaves then become float32 in [-1, 1].

    Args:
        inputs: tree of arrays ``(N, …)``.
        targets: tree of arrays ``(N, …)``.
        images: whether ``uint8`` inputs are pixels.

    Raises:
        DataError: what cannot be numbers, is NaN or infinite, or has another number of samples elsewhere.

    >>> import numpy as np
    >>> as_samples({"ids": np.zeros((2, 5), np.int32), "age": [[0.5], [1.0]]}, [0, 1])
    Samples(2: (ids (5,) int64, age (1,) float32) to () int64)
    >>> as_samples(np.full((1, 1, 1, 2), 255, np.uint8), [0], images=True).inputs
    tensor([[[[1., 1.]]]])
    """
    found = to_tensors("inputs", inputs)
    found = mapped(scaled if images else _plain, found)
    return Samples(found, mapped(as_classes, to_tensors("targets", targets)))


def as_classes(tensor: Any) -> Any:
    """``uint8`` and ``bool`` of one number a sample as int64, which losses take; anything else as it is.

    >>> as_classes(torch.tensor([True, False])), as_classes(torch.zeros(1, 2, dtype=torch.uint8)).dtype
    (tensor([1, 0]), torch.uint8)
    """
    small = isinstance(tensor, Tensor) and tensor.ndim == 1 and tensor.dtype in {torch.uint8, torch.bool}
    return tensor.long() if small else tensor


def scaled(tensor: Any) -> Any:
    """Pixels in [-1, 1]; anything else as it is."""
    pixels = isinstance(tensor, Tensor) and tensor.dtype == torch.uint8
    return tensor.float().div_(127.5).sub_(1.0) if pixels else tensor


def _plain(tensor: Tensor) -> Tensor:
    return tensor.long() if tensor.dtype == torch.uint8 else tensor
