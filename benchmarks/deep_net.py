"""A deep residual network for small images: what the set of placements is asked of beside the tutorial's network."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """``x + conv(relu(norm(x)))``, after He et al. 2016, *Identity mappings in deep residual networks*."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(width), nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same."""
        added: Tensor = self.conv(F.relu(self.norm(x)))
        return x + added


class DeepNet(nn.Module):
    """A stem, ten residual blocks in two stages, the mean over places, a linear head: thirteen layers of weights.

    Shapes::

        (N, C, H, W) -> stem (16, H/2, W/2) -> 5 blocks -> down (32, H/4, W/4) -> 5 blocks -> mean -> (N, classes)
    """

    def __init__(self, shape: tuple[int, ...], classes: int, width: int = 16, blocks: int = 5) -> None:
        super().__init__()
        self.stem = nn.Conv2d(shape[0], width, 3, stride=2, padding=1)
        self.first = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.second = nn.Sequential(*(Block(2 * width) for _ in range(blocks)))
        self.norm, self.head = nn.BatchNorm2d(2 * width), nn.Linear(2 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to logits ``(N, classes)``."""
        x = self.second(self.down(self.first(self.stem(x))))
        logits: Tensor = self.head(F.relu(self.norm(x)).mean((2, 3)))
        return logits
