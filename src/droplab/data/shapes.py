"""Shapes of one sample's inputs, which know the kind of number that they are of; and a batch of such, for a trial."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor

from droplab.data.trees import Tree, mapped


class Shape(tuple[int, ...]):  # noqa: SLOT001  # a tuple has no room for slots
    """A shape, ``(C, H, W)``, that also says whether tokens or numbers have it; else a tuple as any.

    >>> Shape.of(torch.zeros(5, 3, dtype=torch.int64))
    (3,)
    """

    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor) -> Shape:
        """Of one sample of a batch."""
        found = cls(tensor.shape[1:])
        found.dtype = tensor.dtype
        return found


def shapes(inputs: Tree) -> Any:
    """The shape of each leaf, in a tree of the same form.

    >>> shapes({"ids": torch.zeros(5, 3), "mask": torch.ones(5, 3)})
    {'ids': (3,), 'mask': (3,)}
    """
    return mapped(Shape.of, inputs)


def is_plain(shape: Any) -> bool:
    """Whether inputs are one tensor of numbers, of which the shape says all.

    >>> is_plain((3, 32, 32)), is_plain({"x": (3,)}), is_plain(Shape.of(torch.zeros(2, 3, dtype=torch.int64)))
    (True, False, False)
    """
    whole = isinstance(shape, tuple) and all(isinstance(size, int) for size in shape)
    return whole and bool(getattr(shape, "dtype", torch.float32).is_floating_point)


def count(shape: Any) -> int:
    """Numbers in one sample.

    >>> count((3, 8, 8)), count({"ids": (5,), "pair": ((2,), ())})
    (192, 8)
    """
    if isinstance(shape, Mapping):
        return sum(map(count, shape.values()))
    whole = all(isinstance(size, int) for size in shape)
    return prod(shape) if whole else sum(map(count, shape))


def example(shape: Any) -> Tree:
    """Two samples of zeros.

    >>> example({"ids": Shape.of(torch.zeros(5, 1, dtype=torch.int64))})
    {'ids': tensor([[0],
            [0]])}
    """
    if isinstance(shape, Mapping):
        return {name: example(inner) for name, inner in shape.items()}
    if any(not isinstance(size, int) for size in shape):
        return tuple(example(inner) for inner in shape)
    return torch.zeros(2, *shape, dtype=getattr(shape, "dtype", torch.float32))
