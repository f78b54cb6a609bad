"""A small U-Net: a class for each pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.errors import ModelError


class UNet(nn.Module):
    """Two convolutions with batch norm at each depth, down by max-pooling, up by transposed convolution, with skips.

    Ronneberger, Fischer and Brox 2015, *U-Net: convolutional networks for biomedical image segmentation*, MICCAI. Here
    convolutions are padded and normalised, images of any size are padded up, and dropout is where the paper has it: at
    the end of the contracting path (``drop``).

    Shapes::

        (N, C, H, W) -> down1 .. down{depth} -> drop -> up{depth-1} .. up1 -> out -> (N, classes, H, W)

    Args:
        shape: ``(C, H, W)`` of one image.
        classes: number of classes.
        width: channels of the first depth; each deeper one has twice as many.
        depth: how many sizes there are, 2 or more.
        p: drop rate, in [0, 1].

    Raises:
        ModelError: samples that are no images.

    >>> UNet((3, 20, 30), 2, width=4)(torch.zeros(2, 3, 20, 30)).shape
    torch.Size([2, 2, 20, 30])
    """

    def __init__(self, shape: tuple[int, ...], classes: int, width: int = 16, depth: int = 4, p: float = 0.0) -> None:
        super().__init__()
        if len(shape) != 3:
            raise ModelError(f"unet got samples of shape {tuple(shape)}; it wants images (C, H, W)")
        widths = [width * 2**at for at in range(depth)]
        self.down = nn.ModuleList(_block(a, b) for a, b in zip([shape[0], *widths], widths, strict=False))
        self.drop = nn.Dropout2d(p)
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1]))
        self.join = nn.ModuleList(_block(2 * w, w) for w in reversed(widths[:-1]))
        self.out = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to logits ``(N, classes, H, W)``."""
        height, width = x.shape[2:]
        whole = 2 ** len(self.up)
        x = F.pad(x, (0, -width % whole, 0, -height % whole))
        skips = []
        for at, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if at else x)
            skips.append(x)
        x = self.drop(skips.pop())
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), skips.pop()], 1))
        logits: Tensor = self.out(x)[:, :, :height, :width]
        return logits


def _block(inputs: int, outputs: int) -> nn.Sequential:
    def half(channels: int) -> tuple[nn.Module, ...]:
        return nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)

    return nn.Sequential(*half(inputs), *half(outputs))
