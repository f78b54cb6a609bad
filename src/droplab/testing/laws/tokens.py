"""What drops tokens, words, layers, and what tokens see of each other."""

from __future__ import annotations

from math import comb
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn import functional as F

from droplab import nn
from droplab.testing.laws.oracle import Oracle, ordinary, scaled
from droplab.variants.catalog import CATALOG
from droplab.variants.tokens import kept_tokens

_WORDS = 40

_LAYERS = 24


class _Doubles(Module):
    """Doubles one column of ``(N, D)``: a layer that leaves a trace of its own, exact in every dtype."""

    def __init__(self, column: int) -> None:
        super().__init__()
        self.column = column

    def forward(self, x: Tensor) -> Tensor:
        mine = torch.arange(x.shape[1], device=x.device) == self.column
        return torch.where(mine, 2 * x, x)


def _stack(p: float) -> nn.LayerDrop:
    return nn.LayerDrop([_Doubles(column) for column in range(_LAYERS)], p)


def _words(p: float) -> nn.EmbeddingDropout:
    weight = torch.linspace(0.5, 2.0, _WORDS * 3, dtype=torch.float64).view(_WORDS, 3)
    return nn.EmbeddingDropout(_WORDS, 3, p, _weight=weight)


def chosen(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of tokens kept in their order: that the k-th of K kept ones is token j has a hypergeometric chance.

    >>> x = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1)  # two of three: (1, 2), (1, 3) or (2, 3)
    >>> chosen(nn.PatchDropout(1 / 3), x)[0].flatten()
    tensor([1.3333, 2.6667])
    """
    count = x.shape[1]
    kept = kept_tokens(count, float(layer.p))
    chance = torch.tensor(
        [
            [comb(j, k) * comb(count - 1 - j, kept - 1 - k) / comb(count, kept) for j in range(count)]
            for k in range(kept)
        ],
        dtype=x.dtype,
    )
    mean = chance @ x
    return mean, chance @ x.square() - mean.square()


def doubled(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of what is doubled unless its layer is left out: ``x`` times 2 - p, and p (1 - p) x².

    >>> mean, variance = doubled(_stack(0.5), torch.tensor(1.0))  # 1 or 2
    >>> float(mean), float(variance)
    (1.5, 0.25)
    """
    p = float(layer.p)
    return x * (2 - p), x.square() * (p * (1 - p))


def every_layer(layer: Any, x: Tensor) -> Tensor:
    """All layers, one after the other."""
    for inner in layer:
        x = inner(x)
    return x


def looked_up(layer: Any, x: Tensor) -> Tensor:
    """The embedding itself."""
    return F.embedding(x, layer.weight)


def no_words(layer: Any, x: Tensor) -> Tensor:
    """Zeros for every word."""
    return torch.zeros_like(looked_up(layer, x))


def words(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of a looked-up vector times a mask."""
    return scaled(layer, looked_up(layer, x).detach())


def seen(layer: Any, x: Tensor) -> Tensor:  # noqa: ARG001  # one signature for all
    """Self-attention."""
    return F.scaled_dot_product_attention(x, x, x)


def seen_through(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of ``Σ m a v / (1 - p)`` over the places that are seen: the variance is ``Σ a² v² p / (1 - p)``.

    >>> seen_through(nn.AttentionDropout(0.5), torch.ones(1, 1, 2, 1))[1].flatten()  # two of probability 1/2
    tensor([0.5000, 0.5000])
    """
    p = float(layer.p)
    probabilities = (x @ x.transpose(-2, -1) / x.shape[-1] ** 0.5).softmax(-1)
    return probabilities @ x, probabilities.square() @ x.square() * (p / (1 - p))


ORACLES = (
    Oracle(CATALOG["token_dropout"], scaled, (16, 8, 3), ranks=(3,), refuses=(2, 4)),
    Oracle(
        CATALOG["patch_dropout"], chosen, (16, 12, 2), ranks=(3,), refuses=(2, 4), at_one=ordinary, shaped_by_rate=True,
    ),
    Oracle(
        CATALOG["embedding_dropout"], words, (16, 6),
        make=_words, at_eval=looked_up, at_zero=looked_up, at_one=no_words, per_sample=False, vocabulary=_WORDS,
    ),
    Oracle(
        CATALOG["layer_drop"], doubled, (16, _LAYERS),
        make=_stack, at_eval=every_layer, at_zero=every_layer, at_one=lambda _layer, x: x, per_sample=False,
    ),
    Oracle(
        CATALOG["attention_dropout"], seen_through, (16, 2, 4, 3), ranks=(4,), refuses=(3, 5), at_eval=seen,
        at_zero=seen,
    ),
)  # fmt: skip
