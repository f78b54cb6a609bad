"""Dropout of square or cubic regions, at the nominal rate wherever a unit lies."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor

from droplab.errors import RankError
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_input, check_rate, is_zero
from droplab.masks.factor import multiply
from droplab.masks.key import Key
from droplab.masks.noise import uniform
from droplab.variants.kind import MASKED, Kind
from droplab.variants.options import AtLeast, OneOf

__all__ = ["DropBlock2d", "DropBlock3d", "drop_block2d", "drop_block3d"]

_SIDE = AtLeast("block_size", 1, "a whole number from 1 on", whole=True, who="DropBlock")
_NORMALISER = OneOf("normalise", ("rate", "count"), who="DropBlock")


def drop_block2d(
    input: Tensor, p: float | Tensor = 0.1, training: bool = True, *, block_size: int = 7, share_channels: bool = False,
    normalise: str = "rate", key: Key | None = None,
) -> Tensor:  # fmt: skip
    """Drop squares of ``block_size`` by ``block_size`` units of feature maps; each unit with probability ``p``.

    ``y = m x / (1 - p)``; ``m`` is 0 wherever a seed lies in the unit's block. Seeds fall with probability ``γ`` on a
    grid that reaches ``block_size - 1`` beyond the map, ``(H + b - 1) × (W + b - 1)``, so that every unit, at the edge
    and in the middle, is in reach of ``b²`` of them: ``γ = 1 - (1 - p)^(1 / b²)`` makes the rate ``p`` exactly, for
    every size, even of maps smaller than a block. Ghiasi, Lin and Le, *DropBlock*, NeurIPS 2018.

    Deviations: in the paper seeds fall within the map only, where blocks fit, and ``γ = p / b² · HW / ((H-b+1)
    (W-b+1))`` takes blocks never to overlap; the measured rate is then off, the more so the smaller the map, and the
    middle is dropped more often than the edge. Dropped blocks may reach over the edge here. Scaled by ``1 / (1 - p)``,
    which makes the mean exact; ``normalise="count"`` scales by units over units kept, as the paper does, in each
    sample (so that samples do not depend on their batch; a sample without a unit kept is zero).

    Args:
        input: ``(N, C, H, W)``.
        p: drop rate of a unit in [0, 1]; 0 returns the input itself, 1 gives zeros.
        training: where false, the input itself is returned.
        block_size: ``b``, the side of a block; 1 is dropout of single units.
        share_channels: one mask for all channels of a sample; by default each has its own, as the paper recommends.
        normalise: ``"rate"`` or ``"count"``.
        key: names the seeds; where absent they come from torch's default generator.

    Raises:
        UserError: ``p`` outside [0, 1], a ``block_size`` below 1, another ``normalise``, or an input that is not
            floating point.
        RankError: not four dimensions.

    >>> drop_block2d(torch.ones(1, 1, 5, 6), 0.3, block_size=3, key=Key(seed=7, layer="conv2")) * 0.7
    tensor([[[[1., 1., 0., 0., 0., 1.],
              [1., 1., 1., 1., 1., 1.],
              [1., 1., 0., 0., 0., 0.],
              [1., 1., 0., 0., 0., 0.],
              [1., 1., 0., 0., 0., 0.]]]])
    """
    return _drop_block(2, input, p, training, block_size, share_channels, normalise, key)


def drop_block3d(
    input: Tensor, p: float | Tensor = 0.1, training: bool = True, *, block_size: int = 3, share_channels: bool = False,
    normalise: str = "rate", key: Key | None = None,
) -> Tensor:  # fmt: skip
    """Drop cubes of volumes ``(N, C, D, H, W)``; each unit with probability ``p``.

    As ``drop_block2d`` with ``γ = 1 - (1 - p)^(1 / b³)``; the paper has squares only.

    Raises:
        UserError: as for ``drop_block2d``.
        RankError: not five dimensions.

    >>> y = drop_block3d(torch.ones(2, 3, 4, 4, 4), 0.5)
    >>> sorted(y.unique().tolist())
    [0.0, 2.0]
    """
    return _drop_block(3, input, p, training, block_size, share_channels, normalise, key)


def check_block(block_size: int, normalise: str) -> None:
    """Raise unless a block has a side, and a normaliser is one.

    >>> check_block(0, "rate")
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: DropBlock got block_size 0; a whole number from 1 on is wanted
    """
    _SIDE.check(block_size)
    _NORMALISER.check(normalise)


def _drop_block(
    dims: int, x: Tensor, p: float | Tensor, training: bool, side: int, share: bool, normalise: str, key: Key | None
) -> Tensor:
    check_rate(p)
    check_input(x, f"drop_block{dims}d")
    check_block(side, normalise)
    if x.ndim != dims + 2:
        layout = "four, (N, C, H, W)," if dims == 2 else "five, (N, C, D, H, W),"
        raise RankError(f"drop_block{dims}d got {x.ndim} dimensions; {layout} are wanted")
    if not training or is_zero(p):
        return x
    return multiply(x, p, key, partial(_mask, side=side, share=share, by_count=normalise == "count"))


def _mask(x: Tensor, p: float | Tensor, key: Key | None, *, side: int, share: bool, by_count: bool) -> Tensor:
    """The mask with its scale, float32 or float64."""
    space = range(2, x.ndim)
    rate = p if isinstance(p, Tensor) else torch.tensor(p, dtype=torch.float64, device=x.device)
    rate = rate.to(device=x.device, dtype=torch.float64)
    gamma = torch.where(rate < 1, -torch.expm1(torch.log1p(-rate) / side ** len(space)), 2.0)  # above all numbers
    grid = tuple(size + side - 1 if dim in space else size for dim, size in enumerate(x.shape))
    drawn = uniform(x, key=key, shape=grid, shared=(1,) if share else ())
    dropped = drawn < gamma.to(drawn.dtype)
    for dim in space:
        dropped = _reached(dropped, dim, side)
    kept = ~dropped
    if by_count:
        count = kept.sum(tuple(range(1, x.ndim)), keepdim=True)
        return kept * (prod(kept.shape[1:]) / count.clamp(min=1)).to(drawn.dtype)
    scale = torch.where(rate < 1, 1 / (1 - rate), 0.0)
    return kept * scale.to(drawn.dtype)


def _reached(seeds: Tensor, dim: int, side: int) -> Tensor:
    """Whether any of ``side`` neighbours along a dimension is true; ``side - 1`` shorter. Widths double."""
    width = 1
    while width < side:
        step = min(width, side - width)
        length = seeds.shape[dim] - step
        seeds = seeds.narrow(dim, 0, length) | seeds.narrow(dim, step, length)
        width += step
    return seeds


class _Block(DropLayer):
    """What both layers have: a block, and how what is kept is scaled."""

    shown = ("block_size", "share_channels", "normalise")

    def __init__(self, p: float | Tensor, block_size: int, share_channels: bool, normalise: str) -> None:
        super().__init__()
        check_block(block_size, normalise)
        self.p = p
        self.block_size, self.share_channels, self.normalise = block_size, share_channels, normalise

    def _options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.shown}


class DropBlock2d(_Block):
    """Drop squares of feature maps in training, each unit with probability ``p`` at every size; identity in eval.

    See ``droplab.functional.drop_block2d``.

    Args:
        p: drop rate of a unit in [0, 1].
        block_size: side of a block.
        share_channels: one mask for all channels of a sample.
        normalise: ``"rate"``, by ``1 / (1 - p)``, or ``"count"``, by units over units kept of each sample.

    >>> DropBlock2d(0.1, block_size=5)
    DropBlock2d(p=0.1, block_size=5, share_channels=False, normalise='rate')
    """

    def __init__(
        self, p: float | Tensor = 0.1, block_size: int = 7, share_channels: bool = False, normalise: str = "rate"
    ) -> None:
        super().__init__(p, block_size, share_channels, normalise)

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape."""
        return self._in_training(drop_block2d, input, **self._options())


class DropBlock3d(_Block):
    """Drop cubes of volumes in training, each unit with probability ``p`` at every size; identity in eval.

    See ``droplab.functional.drop_block3d``. Arguments as for ``DropBlock2d``.

    >>> DropBlock3d(0.1)
    DropBlock3d(p=0.1, block_size=3, share_channels=False, normalise='rate')
    """

    def __init__(
        self, p: float | Tensor = 0.1, block_size: int = 3, share_channels: bool = False, normalise: str = "rate"
    ) -> None:
        super().__init__(p, block_size, share_channels, normalise)

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, D, H, W)`` to the same shape."""
        return self._in_training(drop_block3d, input, **self._options())


_GHIASI = "Ghiasi, Lin and Le, DropBlock: a regularization method for convolutional networks, NeurIPS 2018"
_BLOCKS = (
    "γ makes the rate p exactly, at edges and at every size, where the paper's formula does not; blocks may reach over "
    "the edge; scaled by 1 / (1 - p) unless normalise is 'count'"
)
KINDS = (
    Kind(
        "drop_block2d", DropBlock2d, _GHIASI,
        MASKED + ": where a seed, of probability γ = 1 - (1 - p)^(1 / b²), lies in the unit's block",
        "a square of b × b units of a sample's channel, b = 7", limits=(_SIDE, _NORMALISER), deviations=_BLOCKS,
        site="conv1:out",
    ),
    Kind(
        "drop_block3d", DropBlock3d, _GHIASI,
        MASKED + ": where a seed, of probability γ = 1 - (1 - p)^(1 / b³), lies in the unit's block",
        "a cube of b × b × b units of a sample's channel, b = 3", limits=(_SIDE, _NORMALISER),
        deviations="cubes, which the paper does not have; " + _BLOCKS,
        model="my_model:volume", site="conv:out",
    ),
)  # fmt: skip
