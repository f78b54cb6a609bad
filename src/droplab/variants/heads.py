"""Dropout of attention heads."""

from __future__ import annotations

from torch import Tensor

from droplab.errors import RankError
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_input, check_rate
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.variants.kind import MASKED, Kind
from droplab.variants.options import OneOf

__all__ = ["DropHead", "drop_head"]

_HEADS = OneOf("head_dim", (1, 2, 3), "0 is that of samples", who="drop_head")


def drop_head(
    input: Tensor, p: float | Tensor = 0.5, training: bool = True, *, head_dim: int = 1, key: Key | None = None
) -> Tensor:
    """Drop whole attention heads of each sample.

    ``y[n, h] = m[n, h] x[n, h] / (1 - p)``. Zhou et al., *Scheduled DropHead*, Findings of EMNLP 2020. Deviations:
    scaled by ``1 / (1 - p)``, so that the mean is exact, not by heads over heads kept, which has no value where all
    heads of a sample are dropped; the paper's schedule is the caller's, since ``p`` may move.

    Args:
        input: ``(N, H, T, D)``: what the heads give, or their probabilities; ``(N, T, H, D)`` with ``head_dim=2``.
        p: drop rate in [0, 1].
        training: where false, the input itself is returned.
        head_dim: the dimension of heads, 1, 2 or 3.
        key: as for ``dropout``.

    Raises:
        UserError: ``p`` outside [0, 1], another ``head_dim``, or an input that is not floating point.
        RankError: not four dimensions.

    >>> import torch
    >>> y = drop_head(torch.ones(2, 8, 3, 4))
    >>> torch.equal(y[:, :, :1, :1].expand(2, 8, 3, 4), y)
    True
    """
    check_rate(p)
    check_input(input, "drop_head")
    _HEADS.check(head_dim)
    if input.ndim != 4:
        raise RankError(f"drop_head got {input.ndim} dimensions; four, (N, H, T, D), are wanted")
    return drop(input, p, key=key, shared=tuple(d for d in (1, 2, 3) if d != head_dim)) if training else input


class DropHead(DropLayer):
    """Drop whole attention heads of each sample in training; identity in eval.

    See ``droplab.functional.drop_head``.

    Args:
        p: drop rate in [0, 1].
        head_dim: the dimension of heads: 1 for ``(N, H, T, D)``, 2 for ``(N, T, H, D)``.

    >>> DropHead(0.2)
    DropHead(p=0.2, head_dim=1)
    """

    shown = ("head_dim",)

    def __init__(self, p: float | Tensor = 0.5, head_dim: int = 1) -> None:
        super().__init__()
        _HEADS.check(head_dim)
        self.p, self.head_dim = p, head_dim

    def forward(self, input: Tensor) -> Tensor:
        """``(N, H, T, D)`` to the same shape."""
        return self._in_training(drop_head, input, head_dim=self.head_dim)


KINDS = (
    Kind(
        "drop_head", DropHead, "Zhou et al., Scheduled DropHead, Findings of EMNLP 2020", MASKED,
        "the attention head of a sample", limits=(_HEADS,),
        deviations="scaled by 1 / (1 - p), not by heads over heads kept; no schedule of its own",
        model="gpt", site="blocks.*.attend_drop",
    ),
)  # fmt: skip
