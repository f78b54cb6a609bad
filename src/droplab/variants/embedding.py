"""Dropout of whole word types: a word is dropped wherever it stands in the batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as torchs

from droplab.errors import UserError
from droplab.layers.adopting import Adopting
from droplab.masks.checking import check_rate, is_zero
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.masks.streams import whole
from droplab.variants.kind import IN_TRAINING, Kind

__all__ = ["EmbeddingDropout", "embedding_dropout"]


def embedding_dropout(
    input: Tensor, weight: Tensor, p: float | Tensor = 0.1, training: bool = True, *, padding_idx: int | None = None,
    max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
    key: Key | None = None,
) -> Tensor:  # fmt: skip
    """Look words up; the vector of a word type is zero with probability ``p`` in the whole batch, else scaled.

    ``y[n, t] = m[w] E[w] / (1 - p)`` for the word ``w`` at ``[n, t]``: one draw for each row of the matrix ``E``. Gal
    and Ghahramani, *A theoretically grounded application of dropout in recurrent neural networks*, NeurIPS 2016;
    Merity, Keskar and Socher, *Regularizing and optimizing LSTM language models*, ICLR 2018. Deviations: the draw
    holds for the batch, as Merity's, where Gal's is one for each sequence; its rate is rounded to 16 bits. Draws are
    multiplied with the vectors that were looked up, not with the matrix, so gradients may be sparse.

    Args:
        input: words as numbers, integers of any shape.
        weight: ``(V, D)``.
        p: drop rate in [0, 1]; 0 is the plain look-up.
        training: where false, the plain look-up.
        padding_idx: as ``torch.nn.functional.embedding``.
        max_norm: as there.
        norm_type: as there.
        scale_grad_by_freq: as there.
        sparse: as there.
        key: names the draws, which do not depend on samples; a seed from torch's default generator where absent.

    Raises:
        UserError: ``p`` outside [0, 1], or words that are not integers.

    >>> embedding_dropout(torch.tensor([0, 1, 2, 1]), torch.ones(3, 1), 0.5, key=Key(seed=0, layer="words")).flatten()
    tensor([2., 0., 0., 0.])
    """
    check_rate(p)
    if input.dtype not in {torch.int64, torch.int32}:
        raise UserError(f"embedding_dropout got words of dtype {input.dtype}; numbers of words, int64, are wanted")
    found = torchs.embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    if not training or is_zero(p):
        return found
    words = weight.new_ones(weight.shape[0])
    return found * drop(words, p, key=whole(key))[input].unsqueeze(-1)


class EmbeddingDropout(Adopting, nn.Embedding):
    """An ``nn.Embedding`` that drops whole word types in training; the embedding itself in eval.

    See ``droplab.functional.embedding_dropout``. Parameters and ``state_dict`` keys are those of ``nn.Embedding``.

    Args:
        num_embeddings: words.
        embedding_dim: length of a vector.
        p: drop rate of a word type in [0, 1].
        options: as for ``torch.nn.Embedding``.

    >>> layer = EmbeddingDropout(10, 3, p=0.2)
    >>> layer
    EmbeddingDropout(p=0.2, 10, 3)
    >>> words = nn.Embedding(10, 3, padding_idx=0)
    >>> layer = EmbeddingDropout.adopt(words, 0.2)
    >>> layer, layer.weight is words.weight, list(layer.state_dict())
    (EmbeddingDropout(p=0.2, 10, 3, padding_idx=0), True, ['weight'])
    """

    twin = nn.Embedding
    batch_dim = None

    def __init__(self, num_embeddings: int, embedding_dim: int, p: float | Tensor = 0.1, **options: Any) -> None:
        super().__init__(num_embeddings, embedding_dim, **options)
        self.equip(p)

    def equip(self, p: float | Tensor = 0.1) -> None:
        """The rate."""
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        """Integers ``(*)`` to ``(*, D)``."""
        rate, key = self._rated(input) if self.training else (self._current_rate(), None)
        return embedding_dropout(
            input, self.weight, rate, self.training, padding_idx=self.padding_idx,
            max_norm=self.max_norm, norm_type=self.norm_type, scale_grad_by_freq=self.scale_grad_by_freq,
            sparse=self.sparse, key=key,
        )  # fmt: skip


KINDS = (
    Kind(
        "embedding_dropout", EmbeddingDropout,
        "Gal and Ghahramani, A theoretically grounded application of dropout in recurrent neural networks, NeurIPS "
        "2016; Merity, Keskar and Socher, Regularizing and optimizing LSTM language models, ICLR 2018",
        "y = m[w] E[w] / (1 - p) for the word w, m = 0 with probability p, else 1", "a word type in the whole batch",
        eval_law="the embedding", has_parameters=True, example="droplab.nn.EmbeddingDropout(40, 3, p=0.2)",
        deviations="one draw for the batch, as Merity's, not for each sequence, as Gal's; " + IN_TRAINING,
        model="lstm", site="embed",
    ),
)  # fmt: skip
