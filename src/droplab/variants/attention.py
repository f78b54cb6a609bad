"""Scaled dot product attention whose probabilities are dropped."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as torchs

from droplab.errors import RankError, UserError
from droplab.kernels.reference import HALF
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_input, check_rate, is_zero
from droplab.masks.drop import drop
from droplab.masks.internals import transforms_active
from droplab.masks.key import Key
from droplab.masks.noise import uncast
from droplab.variants.kind import Kind

__all__ = ["AttentionDropout", "attention"]


def attention(
    query: Tensor, keys: Tensor, values: Tensor, p: float | Tensor = 0.1, training: bool = True, *,
    attn_mask: Tensor | None = None, is_causal: bool = False, scale: float | None = None, key: Key | None = None,
) -> Tensor:  # fmt: skip
    """Attention with dropout of its probabilities, in training only.

    ``y = M ∘ softmax(s q kᵀ + mask) v / (1 - p)``, ``M`` 0 with probability ``p``, else 1, ``s = 1/√D``. Vaswani et
    al., *Attention is all you need*, NeurIPS 2017, section 5.4. Torch's ``scaled_dot_product_attention`` knows no
    train and eval modes: whoever hands it ``dropout_p=self.p`` drops at test time too. Here ``training`` decides.

    Two ways:

    - With a key, the probabilities are computed, dropped and multiplied one after the other, so masks are those of
      the key, on every device; ``(N, H, T, S)`` numbers are in memory meanwhile. Halves are computed in float32 and
      rounded once. A ``p`` that is a tensor, ``p = 1``, and all within ``torch.func``'s transforms go this way too.
    - Without one, ``scaled_dot_product_attention`` with its own ``dropout_p``, fused where torch can. Its masks come
      from torch's generator, **differ from those of any key**, and a graph holds for one ``p``.

    Args:
        query: ``(N, H, T, D)``.
        keys: ``(N, H, S, D)``.
        values: ``(N, H, S, E)``.
        p: drop rate of a probability in [0, 1].
        training: where false, attention without dropout.
        attn_mask: as for torch: booleans, false where a place is not to be seen, or numbers to add.
        is_causal: whether place ``t`` sees places up to ``t`` only; not together with ``attn_mask``.
        scale: ``s``; ``1/√D`` where absent.
        key: names the mask; its samples are the first dimension.

    Returns:
        ``(N, H, T, E)``.

    Raises:
        UserError: ``p`` outside [0, 1], or inputs that are not floating point.
        RankError: not four dimensions.

    >>> x = torch.ones(1, 1, 3, 2)
    >>> attention(x, x, x, 0.5, key=Key(seed=0, layer="attention"))[0, 0]
    tensor([[0.6667, 0.6667],
            [0.6667, 0.6667],
            [0.6667, 0.6667]])
    >>> attention(x, x, x, 0.5, training=False)[0, 0]
    tensor([[1., 1.],
            [1., 1.],
            [1., 1.]])
    """
    check_rate(p)
    for tensor in (query, keys, values):
        check_input(tensor, "attention")
        if tensor.ndim != 4:
            raise RankError(f"attention got {tensor.ndim} dimensions; four, (N, H, T, D), are wanted")
    if not training or is_zero(p):
        return torchs.scaled_dot_product_attention(query, keys, values, attn_mask, 0.0, is_causal, scale=scale)
    if key is None and not isinstance(p, Tensor) and p < 1 and not transforms_active():
        return torchs.scaled_dot_product_attention(query, keys, values, attn_mask, p, is_causal, scale=scale)
    return _explicit(query, keys, values, p, attn_mask, is_causal, scale, key)


def _explicit(
    query: Tensor, keys: Tensor, values: Tensor, p: float | Tensor, mask: Tensor | None, causal: bool,
    scale: float | None, key: Key | None,
) -> Tensor:  # fmt: skip
    dtype = query.dtype
    query, keys, values = (tensor.float() if tensor.dtype in HALF else tensor for tensor in (query, keys, values))
    with uncast(query):
        return _in_turn(query, keys, values, p, mask, causal, scale, key).to(dtype)


def _in_turn(
    query: Tensor, keys: Tensor, values: Tensor, p: float | Tensor, mask: Tensor | None, causal: bool,
    scale: float | None, key: Key | None,
) -> Tensor:  # fmt: skip
    scores = query @ keys.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if causal:
        if mask is not None:
            raise UserError("attention got both attn_mask and is_causal; one of them is wanted")
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is None:
        return drop(scores.softmax(-1), p, key=key) @ values
    seen = mask if mask.dtype == torch.bool else mask > -torch.inf
    blind = ~seen.any(-1, keepdim=True)  # a place that sees nothing: zeros, as torch gives
    if mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask & ~blind, -torch.inf)
    else:
        scores = scores + mask.masked_fill(blind, 0.0)
    probabilities = scores.softmax(-1).masked_fill(blind, 0.0)
    return drop(probabilities, p, key=key) @ values


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
        self, query: Tensor, keys: Tensor | None = None, values: Tensor | None = None, attn_mask: Tensor | None = None,
        is_causal: bool = False, scale: float | None = None,
    ) -> Tensor:  # fmt: skip
        """``(N, H, T, D)``, ``(N, H, S, D)``, ``(N, H, S, E)`` to ``(N, H, T, E)``.

        Keys are the query where absent, values the keys.
        """
        keys = query if keys is None else keys
        values = keys if values is None else values
        rate, key = self._rated(query) if self.training else (self.p, None)
        p = self.p if key is None else rate  # torch's own dropout takes a number
        options = {"attn_mask": attn_mask, "is_causal": is_causal, "scale": scale}
        return attention(query, keys, values, p, self.training, key=key, **options)  # type: ignore[arg-type]


KINDS = (
    Kind(
        "attention_dropout", AttentionDropout, "Vaswani et al., Attention is all you need, NeurIPS 2017",
        "y = M ∘ softmax(q kᵀ / √D) v / (1 - p), M = 0 with probability p, else 1",
        "what one token sees of another, in a head of a sample", eval_law="attention", in_arms=False, picture=False,
        deviations="without a key torch's own dropout draws, whose masks are those of no key",
    ),
)  # fmt: skip
