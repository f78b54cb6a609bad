"""Attention with dropout of its probabilities as a layer."""

from __future__ import annotations

from torch import Tensor

from droplab.functional.attention import attention
from droplab.nn.layer import DropLayer


class AttentionDropout(DropLayer):
    """Scaled dot product attention whose probabilities are dropped in training; plain attention in eval.

    See ``droplab.functional.attention``. It takes the place of a call of ``scaled_dot_product_attention``, which does
    not know whether a model trains. Within ``droplab.keyed`` masks are keyed and computed explicitly; outside they
    are torch's own.

    Args:
        p: drop rate of a probability in [0, 1].

    >>> AttentionDropout(0.2)
    AttentionDropout(p=0.2)
    """

    def __init__(self, p: float | Tensor = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(
        self,
        query: Tensor,
        keys: Tensor | None = None,
        values: Tensor | None = None,
        attn_mask: Tensor | None = None,
        is_causal: bool = False,
        scale: float | None = None,
    ) -> Tensor:
        """``(N, H, T, D)``, ``(N, H, S, D)``, ``(N, H, S, E)`` to ``(N, H, T, E)``.

        Keys are the query where absent, values the keys.
        """
        keys = query if keys is None else keys
        values = keys if values is None else values
        key = self._key(query) if self.training else None
        p = self.p if key is None else self._current_rate()  # torch's own dropout takes a number
        options = {"attn_mask": attn_mask, "is_causal": is_causal, "scale": scale}
        return attention(query, keys, values, p, self.training, key=key, **options)  # type: ignore[arg-type]
