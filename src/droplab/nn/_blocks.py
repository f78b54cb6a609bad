"""DropBlock as layers."""

from __future__ import annotations

from torch import Tensor

from droplab.functional.blocks import check_block, drop_block2d, drop_block3d
from droplab.nn.layer import DropLayer


class DropBlock2d(DropLayer):
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
        self,
        p: float | Tensor = 0.1,
        block_size: int = 7,
        share_channels: bool = False,
        normalise: str = "rate",
    ) -> None:
        super().__init__()
        check_block(block_size, normalise)
        self.p = p
        self.block_size, self.share_channels, self.normalise = block_size, share_channels, normalise

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, C, H, W)`` to the same shape."""
        if not self.training:
            return input
        return drop_block2d(
            input,
            self._current_rate(),
            block_size=self.block_size,
            share_channels=self.share_channels,
            normalise=self.normalise,
            key=self._key(input),
        )

    def extra_repr(self) -> str:
        """Rate, block and normaliser."""
        options = f"block_size={self.block_size}, share_channels={self.share_channels}, normalise={self.normalise!r}"
        return f"{super().extra_repr()}, {options}"


class DropBlock3d(DropBlock2d):
    """Drop cubes of volumes in training, each unit with probability ``p`` at every size; identity in eval.

    See ``droplab.functional.drop_block3d``. Arguments as for ``DropBlock2d``.

    >>> DropBlock3d(0.1)
    DropBlock3d(p=0.1, block_size=3, share_channels=False, normalise='rate')
    """

    def __init__(
        self,
        p: float | Tensor = 0.1,
        block_size: int = 3,
        share_channels: bool = False,
        normalise: str = "rate",
    ) -> None:
        super().__init__(p, block_size, share_channels, normalise)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, C, D, H, W)`` to the same shape."""
        if not self.training:
            return input
        return drop_block3d(
            input,
            self._current_rate(),
            block_size=self.block_size,
            share_channels=self.share_channels,
            normalise=self.normalise,
            key=self._key(input),
        )
