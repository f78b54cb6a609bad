"""An embedding that drops word types."""

from __future__ import annotations

from typing import Any, Self

from torch import Tensor, nn

from droplab.functional.words import embedding_dropout
from droplab.nn.adopting import taken_over
from droplab.nn.layer import DropLayer


class EmbeddingDropout(DropLayer, nn.Embedding):
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
    >>> list(layer.state_dict())
    ['weight']
    """

    batch_dim = None

    def __init__(self, num_embeddings: int, embedding_dim: int, p: float | Tensor = 0.1, **options: Any) -> None:
        nn.Embedding.__init__(self, num_embeddings, embedding_dim, **options)
        self.p = p

    @classmethod
    def adopt(cls, module: nn.Embedding, p: float | Tensor = 0.1) -> Self:
        """The layer in the place of an embedding, with its very parameter, options and mode.

        Raises:
            UserError: something else than a plain ``nn.Embedding``.

        >>> words = nn.Embedding(10, 3, padding_idx=0)
        >>> layer = EmbeddingDropout.adopt(words, 0.2)
        >>> layer, layer.weight is words.weight
        (EmbeddingDropout(p=0.2, 10, 3, padding_idx=0), True)
        """
        new = taken_over(cls, module, nn.Embedding)
        new.p = p
        return new

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Integers ``(*)`` to ``(*, D)``."""
        return embedding_dropout(
            input,
            self.weight,
            self._current_rate(),
            self.training,
            padding_idx=self.padding_idx,
            max_norm=self.max_norm,
            norm_type=self.norm_type,
            scale_grad_by_freq=self.scale_grad_by_freq,
            sparse=self.sparse,
            key=self._key(input) if self.training else None,
        )

    def extra_repr(self) -> str:
        """Rate, and what the embedding says."""
        return f"{DropLayer.extra_repr(self)}, {nn.Embedding.extra_repr(self)}"
