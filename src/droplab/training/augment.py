"""Random flips and crops of a batch, on its device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

PADDING = 4
"""Pixels of zero padding on each side before the crop."""


def flip_crop(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flip each image left-right with probability ½, then crop it at a random place of its padded self.

    Args:
        images: ``(N, C, H, W)``.
        generator: on the CPU; draws N flips and 2 N offsets in ``[0, 8]``.

    Returns:
        ``(N, C, H, W)``, channels_last, a new tensor.
    """
    count, _, height, width = images.shape
    device = images.device
    flips = torch.randint(2, (count, 1), generator=generator).to(device)
    tops, lefts = torch.randint(2 * PADDING + 1, (2, count, 1), generator=generator).to(device)
    padded = F.pad(images, [PADDING] * 4).permute(0, 2, 3, 1)
    rows = tops + torch.arange(height, device=device)
    columns = torch.arange(width, device=device).expand(count, width)
    columns = lefts + torch.where(flips == 1, width - 1 - columns, columns)
    sample = torch.arange(count, device=device)
    return padded[sample[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
