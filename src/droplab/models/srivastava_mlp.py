"""The fully connected network of the dropout paper's MNIST experiments."""

from __future__ import annotations

from math import prod

from torch import Tensor, nn
from torch.nn import functional as F


class SrivastavaMLP(nn.Module):
    """784-1024-1024-1024-10 with ReLU, dropout at the input and after every hidden layer.

    Srivastava et al. 2014, *Dropout: a simple way to prevent neural networks from overfitting*, JMLR 15,
    section 6.1.1 and appendix B.1. The paper drops 20 % of the inputs and 50 % of the hidden units, and
    bounds the norm of each unit's incoming weights (``recipe.max_norm``; the paper's bound is 2 for MNIST).
    The number of inputs follows the data.

    Shapes::

        (N, *shape) -> flatten -> drop0 -> fc1 -> ReLU -> drop1 -> fc2 -> ReLU -> drop2
                    -> fc3 -> ReLU -> drop3 -> fc4 -> (N, classes)

    Args:
        shape: shape of one sample; its product is the number of inputs.
        classes: number of outputs.
        hidden: units of each of the three hidden layers.
        p_input: drop rate of ``drop0``, in [0, 1].
        p: drop rate of ``drop1`` to ``drop3``, in [0, 1].

    >>> import torch
    >>> SrivastavaMLP((1, 28, 28), 10, hidden=8)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self, shape: tuple[int, ...], classes: int, hidden: int = 1024, p_input: float = 0.0, p: float = 0.0
    ) -> None:
        super().__init__()
        self.drop0 = nn.Dropout(p_input)
        self.fc1 = nn.Linear(prod(shape), hidden)
        self.drop1 = nn.Dropout(p)
        self.fc2 = nn.Linear(hidden, hidden)
        self.drop2 = nn.Dropout(p)
        self.fc3 = nn.Linear(hidden, hidden)
        self.drop3 = nn.Dropout(p)
        self.fc4 = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, *shape)`` to logits ``(N, classes)``."""
        x = self.drop0(x.flatten(1))
        x = self.drop1(F.relu(self.fc1(x)))
        x = self.drop2(F.relu(self.fc2(x)))
        x = self.drop3(F.relu(self.fc3(x)))
        logits: Tensor = self.fc4(x)
        return logits
