"""Which units a whole batch keeps, as indices to compute with or as a mask to multiply by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from droplab import rng
from droplab.masks.drop import drop, is_plain
from droplab.masks.internals import dual_level, transforms_active
from droplab.masks.key import Key
from droplab.masks.noise import uniform
from droplab.masks.streams import whole


class Kept(NamedTuple):
    """Units of one layer that are kept, and what they are multiplied by."""

    units: Tensor
    """Ascending, int64 ``(k,)``."""
    scale: float


def kept_units(
    sizes: Sequence[int], like: Tensor, p: float | Tensor, exact_count: bool = False, key: Key | None = None
) -> list[Kept]:
    """Which units of layers of some sizes are kept: one draw over all, in order.

    >>> layers = kept_units([4, 6], torch.ones(1), 0.5, exact_count=True, key=Key(seed=0, layer=1))
    >>> [(len(kept.units), kept.scale) for kept in layers]
    [(2, 2.0), (3, 2.0)]
    """
    rate = float(p)
    edges = list(pairwise([0, *accumulate(sizes)]))
    if exact_count:
        numbers = _numbers(sum(sizes), like, key)
        counts = [keep_count(rate, size) for size in sizes]
        orders = [numbers[start:stop].argsort(stable=True) for start, stop in edges]
        found = [order[:count].sort().values for order, count in zip(orders, counts, strict=True)]
        scales = [size / count if count else 0.0 for size, count in zip(sizes, counts, strict=True)]
        return [Kept(index, scale) for index, scale in zip(found, scales, strict=True)]
    drawn = _drawn(sum(sizes), like, rate, key)
    scale = rng.keep_scale(rng.threshold(rate))
    return [Kept(drawn[start:stop].nonzero().squeeze(1), scale) for start, stop in edges]


def unit_mask(
    units: int,
    like: Tensor,
    p: float | Tensor,
    exact_count: bool = False,
    key: Key | None = None,
    sizes: Sequence[int] = (),
) -> Tensor:
    """The same units as a mask ``(units,)`` to multiply by, in the dtype of ``like``; in graphs too.

    >>> unit_mask(6, torch.ones(1), 0.5, key=Key(seed=0, layer=3))
    tensor([0., 0., 0., 0., 2., 2.])
    """
    if not exact_count:
        return _drawn(units, like, p, key)
    numbers = _numbers(units, like, key)
    masks = []
    for part in torch.split(numbers, list(sizes) or [units]):
        count, size = _count(p, len(part), like.device), len(part)
        order = part.argsort(stable=True).argsort()  # the rank of each unit
        masks.append(torch.where(order < count, size / count.clamp(min=1), 0.0))
    return torch.cat(masks).to(like.dtype)


def keep_count(p: float, units: int) -> int:
    """How many of some units are kept where the number is fixed.

    >>> keep_count(0.5, 7), keep_count(0.99, 10), keep_count(1.0, 10)
    (4, 1, 0)
    """
    return 0 if p >= 1 else max(math.floor((1 - p) * units + 0.5), min(units, 1))


def _count(p: float | Tensor, units: int, device: torch.device) -> Tensor:
    """``keep_count`` for graphs, as a tensor."""
    rate = torch.as_tensor(p, dtype=torch.float64, device=device)
    return torch.where(rate >= 1, 0.0, ((1 - rate) * units + 0.5).floor().clamp(min=min(units, 1)))


def _numbers(units: int, like: Tensor, key: Key | None) -> Tensor:
    """32 bits for each unit as float64, in which they differ."""
    wide = like.new_empty(0, dtype=torch.float64)
    return uniform(wide, key=whole(key), shape=(units,))


def _drawn(units: int, like: Tensor, p: float | Tensor, key: Key | None) -> Tensor:
    return drop(like.new_ones(units), p, key=whole(key))


def may_skip(*tensors: Tensor) -> bool:
    """Whether shapes may depend on draws."""
    if torch.compiler.is_compiling() or transforms_active() or dual_level():
        return False
    return all(is_plain(tensor) and not tensor.is_meta for tensor in tensors)
