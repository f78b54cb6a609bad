"""The tutorial's network: three convolutions, two linear layers, two named dropouts."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from droplab.errors import ModelError

_SMALLEST = 22  # 22 -> 10 -> 4 -> 1; below it nothing is left after three poolings


class TutorialCNN(nn.Module):
    """Conv 3→32→64→128 (3×3, ReLU, 2×2 max-pool each), flatten, fc 512→512→10, for any image shape.

    Shapes::

        (N, C, H, W) -> conv1..conv3 -> (N, 128, h, w) -> flatten -> drop1 -> fc1 -> ReLU -> drop2 -> fc2
        (N, classes)          h = w = 2 for 32×32 images, 1 for 28×28

    The published network uses one ``nn.Dropout`` twice; here the two places have names, ``drop1`` (the
    flattened features) and ``drop2`` (after fc1's ReLU), so that each can have its own rate. fc1 has as
    many outputs as the network has for 32×32 images, 512, whatever the image's size.

    Deviation in the order of work, not in the function: pooling comes before ReLU. Both are monotone, so
    ``relu(max_pool(x)) == max_pool(relu(x))`` with the same gradient, and ReLU sees a quarter of the
    elements.

    Args:
        shape: ``(C, H, W)`` of one image; H and W at least 22.
        classes: number of outputs.
        p: drop rate of both dropout layers, in [0, 1].

    Raises:
        ModelError: the image is too small or not ``(C, H, W)``.

    >>> import torch
    >>> TutorialCNN((3, 32, 32), 10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, shape: tuple[int, ...], classes: int, p: float = 0.0) -> None:
        super().__init__()
        if len(shape) != 3 or min(shape[1:]) < _SMALLEST:
            raise ModelError(
                f"tutorial-cnn got samples of shape {tuple(shape)}; it wants images (C, H, W) with H and W "
                f"of at least {_SMALLEST}. Use model 'srivastava-mlp' or a model function of your own here."
            )
        channels = (shape[0], 32, 64, 128)
        self.conv1, self.conv2, self.conv3 = (nn.Conv2d(a, b, 3) for a, b in pairwise(channels))
        height, width = shape[1:]
        for _ in range(3):
            height, width = (height - 2) // 2, (width - 2) // 2
        self.drop1 = nn.Dropout(p)
        self.fc1 = nn.Linear(128 * height * width, 512)
        self.drop2 = nn.Dropout(p)
        self.fc2 = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to logits ``(N, classes)``."""
        for conv in (self.conv1, self.conv2, self.conv3):
            x = F.relu(F.max_pool2d(conv(x), 2))
        x = self.drop1(x.flatten(1))
        x = self.drop2(F.relu(self.fc1(x)))
        logits: Tensor = self.fc2(x)
        return logits
