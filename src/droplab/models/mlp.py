"""A small network for tables: numbers as they are, categories through embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    """Numbers and embedded categories, hidden layers with ReLU and dropout, one linear layer.

    Shapes::

        numbers (N, F), categories (N, K) -> concatenate -> drop0 -> [fc1 -> ReLU -> drop1] -> … -> out -> (N, classes)

    Args:
        shape: shape of one sample's numbers; or, as ``Table.samples`` has them,
            ``{"numbers": (F,), "categories": (K,)}``.
        classes: number of outputs; 1 gives ``(N, 1)``.
        hidden: units of each hidden layer.
        categories: rows of each category's embedding, 0 for unknown among them (``Table.sizes``); one number for all.
        p: drop rate after every hidden layer, in [0, 1].
        p_input: drop rate of ``drop0``.

    >>> MLP((8,), 1)(torch.zeros(2, 8)).shape
    torch.Size([2, 1])
    >>> net = MLP({"numbers": (3,), "categories": (2,)}, 4, categories=[5, 9])
    >>> net(numbers=torch.zeros(2, 3), categories=torch.zeros(2, 2, dtype=torch.int64)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        shape: Any,
        classes: int,
        hidden: Sequence[int] = (128, 128),
        categories: Sequence[int] | int = 256,
        p: float = 0.0,
        p_input: float = 0.0,
    ) -> None:
        super().__init__()
        numbers = prod(shape.get("numbers", (0,))) if isinstance(shape, Mapping) else prod(shape)
        many = prod(shape.get("categories", (0,))) if isinstance(shape, Mapping) else 0
        sizes = [categories] * many if isinstance(categories, int) else list(categories)
        self.embeddings = nn.ModuleList(nn.Embedding(size, _width(size)) for size in sizes)
        width = numbers + sum(map(_width, sizes))
        self.drop0 = nn.Dropout(p_input)
        for at, units in enumerate(hidden, 1):
            self.add_module(f"fc{at}", nn.Linear(width, units))
            self.add_module(f"drop{at}", nn.Dropout(p))
            width = units
        self._depth = len(hidden)
        self.out = nn.Linear(width, classes)

    def forward(self, numbers: Tensor | None = None, categories: Tensor | None = None) -> Tensor:
        """``(N, F)`` and ``(N, K)``, or one of them, to ``(N, classes)``."""
        parts = [] if numbers is None else [numbers.flatten(1)]
        if categories is not None:
            parts += [embed(categories[:, at]) for at, embed in enumerate(self.embeddings)]
        x = self.drop0(torch.cat(parts, 1))
        for at in range(1, self._depth + 1):
            x = self.get_submodule(f"drop{at}")(self.get_submodule(f"fc{at}")(x).relu())
        outputs: Tensor = self.out(x)
        return outputs


def _width(values: int) -> int:
    return min(32, (values + 1) // 2)
