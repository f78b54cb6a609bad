"""A small GPT: the next token at every place."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GPT(nn.Module):
    """Decoder blocks with causal attention, after GPT-2: layer norm first, GELU, learned positions, tied embeddings.

    Radford et al. 2019, *Language models are unsupervised multitask learners*. Its places of dropout have names:
    ``drop`` (embeddings), ``blocks.i.attend_drop`` (attention probabilities), ``blocks.i.drop1`` and ``drop2``
    (what each residual branch adds).

    Shapes::

        (N, T) tokens -> embed + positions -> drop -> blocks -> norm -> (N, T, classes)

    Args:
        shape: ``(T,)``, the length of a window at most.
        classes: the vocabulary.
        width: of the embeddings; a multiple of ``heads``.
        depth: number of blocks.
        heads: of each attention.
        p: drop rate everywhere, in [0, 1].

    >>> GPT((16,), 65, width=32, depth=1)(torch.zeros(2, 16, dtype=torch.int64)).shape
    torch.Size([2, 16, 65])
    """

    def __init__(
        self, shape: tuple[int, ...], classes: int, width: int = 128, depth: int = 4, heads: int = 4, p: float = 0.0
    ) -> None:
        super().__init__()
        self.embed, self.positions = nn.Embedding(classes, width), nn.Parameter(torch.zeros(shape[0], width))
        nn.init.normal_(self.embed.weight, std=0.02)
        self.drop = nn.Dropout(p)
        self.blocks = nn.ModuleList(_Block(width, heads, p) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """``(N, T)`` int64 to logits ``(N, T, classes)``."""
        x = self.drop(self.embed(tokens) + self.positions[: tokens.shape[1]])
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.embed.weight)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, p: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.attend_drop, self.drop1, self.drop2 = nn.Dropout(p), nn.Dropout(p), nn.Dropout(p)
        self.grow, self.shrink = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop1(self.project(self._attend(self.norm1(x))))
        added: Tensor = self.drop2(self.shrink(F.gelu(self.grow(self.norm2(x)))))
        return x + added

    def _attend(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, 2))
        ahead = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
        scores = (q @ k.transpose(2, 3) / q.shape[3] ** 0.5).masked_fill(ahead, float("-inf"))
        found: Tensor = (self.attend_drop(scores.softmax(3)) @ v).transpose(1, 2).flatten(2)
        return found
