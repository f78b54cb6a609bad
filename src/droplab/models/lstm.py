"""A language model of LSTM layers: the next token at every place."""

from __future__ import annotations

from torch import Tensor, nn


class LSTM(nn.Module):
    """Embedding, LSTM layers, one linear layer; dropout on the non-recurrent connections.

    Zaremba, Sutskever and Vinyals 2014, *Recurrent neural network regularization*, arXiv:1409.2329: ``drop0`` after the
    embedding, ``drop1`` … after each layer. Layers are modules of their own, so that each place has a name.

    Shapes::

        (N, T) tokens -> embed -> drop0 -> [lstm1 -> drop1] -> ... -> out -> (N, T, classes)

    Args:
        shape: ``(T,)``; the length of a window, which may change.
        classes: the vocabulary.
        width: of the embedding and of every layer.
        depth: number of layers.
        p: drop rate, in [0, 1].

    >>> import torch
    >>> LSTM((16,), 65, width=8)(torch.zeros(2, 16, dtype=torch.int64)).shape
    torch.Size([2, 16, 65])
    """

    def __init__(self, shape: tuple[int, ...], classes: int, width: int = 200, depth: int = 2, p: float = 0.0) -> None:
        del shape  # any length
        super().__init__()
        self.embed, self.drop0 = nn.Embedding(classes, width), nn.Dropout(p)
        for at in range(1, depth + 1):
            self.add_module(f"lstm{at}", nn.LSTM(width, width, batch_first=True))
            self.add_module(f"drop{at}", nn.Dropout(p))
        self._depth = depth
        self.out = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """``(N, T)`` int64 to logits ``(N, T, classes)``."""
        x = self.drop0(self.embed(tokens))
        for at in range(1, self._depth + 1):
            x, _ = self.get_submodule(f"lstm{at}")(x)
            x = self.get_submodule(f"drop{at}")(x)
        logits: Tensor = self.out(x)
        return logits
