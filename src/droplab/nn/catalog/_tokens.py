"""What drops tokens, words, layers, and what tokens see of each other."""

from __future__ import annotations

from math import comb
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn import functional as F

from droplab import nn
from droplab.functional.tokens import kept_tokens
from droplab.nn.catalog.row import IN_TRAINING, MASKED, Variant, ordinary, scaled

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


ROWS = (
    Variant(
        "token_dropout",
        nn.TokenDropout,
        "Iyyer et al., Deep unordered composition rivals syntactic methods for text classification, ACL 2015",
        MASKED,
        "a token of a sample",
        scaled,
        (16, 8, 3),
        ranks=(3,),
        refuses=(2, 4),
        deviations=IN_TRAINING + "; tokens become zero, where the paper averages over those that are left",
    ),
    Variant(
        "patch_dropout",
        nn.PatchDropout,
        "Liu et al., PatchDropout: economizing vision transformers using patch dropout, WACV 2023",
        "y = x[kept], kept: K = max(1, floor((1 - p) T + 1/2)) of T tokens, in their order",
        "a token of a sample",
        chosen,
        (16, 12, 2),
        ranks=(3,),
        refuses=(2, 4),
        at_one=ordinary,
        shaped_by_rate=True,
        picture=False,
        deviations="p = 1 leaves one token; a compiled graph holds for one number of tokens",
    ),
    Variant(
        "embedding_dropout",
        nn.EmbeddingDropout,
        "Gal and Ghahramani, A theoretically grounded application of dropout in recurrent neural networks, NeurIPS "
        "2016; Merity, Keskar and Socher, Regularizing and optimizing LSTM language models, ICLR 2018",
        "y = m[w] E[w] / (1 - p) for the word w, m = 0 with probability p, else 1",
        "a word type in the whole batch",
        words,
        (16, 6),
        make=_words,
        words=_WORDS,
        eval_law="the embedding",
        at_eval=looked_up,
        at_zero=looked_up,
        at_one=no_words,
        per_sample=False,
        learnable=True,
        adopts=(torch.nn.Embedding,),
        example="droplab.nn.EmbeddingDropout(40, 3, p=0.2)",
        deviations="one draw for the batch, as Merity's, not for each sequence, as Gal's; " + IN_TRAINING,
    ),
    Variant(
        "layer_drop",
        nn.LayerDrop,
        "Fan, Grave and Joulin, Reducing transformer depth on demand with structured dropout, ICLR 2020",
        "y = f_L(… f_2(f_1(x))) without the layers that are left out, each with probability p",
        "a layer in the whole batch",
        doubled,
        (16, _LAYERS),
        make=_stack,
        eval_law="every layer; or a stack that was pruned",
        at_eval=every_layer,
        at_zero=every_layer,
        at_one=lambda _layer, x: x,
        per_sample=False,
        in_arms=False,
        adopts=(torch.nn.ModuleList, torch.nn.Sequential),
        example="droplab.nn.LayerDrop([torch.nn.Linear(24, 24) for _ in range(4)], 0.2)",
        deviations="compiled graphs compute what they leave out",
    ),
    Variant(
        "attention_dropout",
        nn.AttentionDropout,
        "Vaswani et al., Attention is all you need, NeurIPS 2017",
        "y = M ∘ softmax(q kᵀ / √D) v / (1 - p), M = 0 with probability p, else 1",
        "what one token sees of another, in a head of a sample",
        seen_through,
        (16, 2, 4, 3),
        ranks=(4,),
        refuses=(3, 5),
        eval_law="attention",
        at_eval=seen,
        at_zero=seen,
        in_arms=False,
        picture=False,
        deviations="without a key torch's own dropout draws, whose masks are those of no key",
    ),
)
