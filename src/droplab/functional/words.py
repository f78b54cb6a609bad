"""Dropout of whole word types: a word is dropped wherever it stands in the batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as torchs

from droplab.errors import UserError
from droplab.functional.checking import check_rate
from droplab.functional.key import Key
from droplab.functional.masked import drop


def embedding_dropout(
    input: Tensor,  # noqa: A002  # torch's name
    weight: Tensor,
    p: float | Tensor = 0.1,
    training: bool = True,
    *,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
    key: Key | None = None,
) -> Tensor:
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
    if not training or (not isinstance(p, Tensor) and p == 0):
        return found
    whole = None if key is None else Key(key.seed, key.layer, key.step, 0, None)
    words = weight.new_ones(weight.shape[0])
    return found * drop(words, p, key=whole)[input].unsqueeze(-1)
