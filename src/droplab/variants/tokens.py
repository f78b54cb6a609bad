"""Dropout of whole tokens: made zero, or taken out so that later layers compute less."""

from __future__ import annotations

import torch
from torch import Tensor

from droplab.errors import RankError
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_input, check_rate, is_zero
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.masks.noise import uniform
from droplab.variants.kind import IN_TRAINING, MASKED, Kind
from droplab.variants.options import AtLeast

__all__ = ["PatchDropout", "TokenDropout", "patch_dropout", "token_dropout"]

_PREFIX = AtLeast("prefix", 0, "a number of tokens, from 0 on,")


def token_dropout(
    input: Tensor, p: float | Tensor = 0.5, training: bool = True, *, prefix: int = 0, key: Key | None = None
) -> Tensor:
    """Set whole tokens to zero with probability ``p``; scale the others by ``1 / (1 - p)``.

    ``y[n, t] = m[n, t] x[n, t] / (1 - p)``; the first ``prefix`` tokens stay as they are. Iyyer et al., *Deep
    unordered composition rivals syntactic methods for text classification*, ACL 2015 (word dropout). Deviations:
    scaled in training; the paper averages over the words that are left.

    Args:
        input: ``(N, T, D)``.
        p: drop rate in [0, 1].
        training: where false, the input itself is returned.
        prefix: tokens at the front, such as a class token, that are never dropped nor scaled.
        key: as for ``dropout``.

    Raises:
        UserError: ``p`` outside [0, 1], a negative ``prefix``, or an input that is not floating point.
        RankError: not three dimensions.

    >>> token_dropout(torch.ones(1, 4, 2), 0.5, prefix=1, key=Key(seed=0, layer="tokens"))
    tensor([[[1., 1.],
             [2., 2.],
             [0., 0.],
             [2., 2.]]])
    """
    check_rate(p)
    check_tokens(input, prefix, "token_dropout")
    if not training:
        return input
    if prefix == 0:
        return drop(input, p, key=key, shared=(2,))
    rest = drop(input[:, prefix:], p, key=key, shared=(2,))
    return input if is_zero(p) else torch.cat([input[:, :prefix], rest], 1)


def patch_dropout(
    input: Tensor, p: float | Tensor = 0.5, training: bool = True, *, prefix: int = 0, key: Key | None = None
) -> Tensor:
    """Take a share ``p`` of the tokens out, other ones in each sample, so that all that follows computes less.

    ``(N, prefix + T, D)`` becomes ``(N, prefix + K, D)``; ``K = max(1, floor((1 - p) T + 1/2))`` is the same in every
    sample and step, each of the ``T`` tokens is kept with probability ``K / T``, and those that are stay in their
    order. Nothing is scaled. Liu et al., *PatchDropout: economizing vision transformers using patch dropout*, WACV
    2023. Position embeddings belong before it.

    Args:
        input: ``(N, prefix + T, D)``.
        p: share of tokens to take out, in [0, 1]; 0 returns the input itself, 1 leaves one token. As it decides about
            a shape, a graph holds for one number of kept tokens: another ``p`` compiles anew, and a tensor is looked
            at.
        training: where false, the input itself is returned.
        prefix: tokens at the front, such as a class token, that always stay.
        key: names the choice; where absent a seed is drawn from torch's default generator.

    Raises:
        UserError: ``p`` outside [0, 1], a negative ``prefix``, or an input that is not floating point.
        RankError: not three dimensions.

    >>> x = torch.arange(6.0).view(1, 6, 1)
    >>> patch_dropout(x, 0.4, prefix=1, key=Key(seed=0, layer="patches")).flatten()
    tensor([0., 1., 2., 3.])
    """
    check_rate(p)
    check_tokens(input, prefix, "patch_dropout")
    count = input.shape[1] - prefix
    if not training or count <= 0:
        return input
    kept = kept_tokens(count, float(p))
    if kept == count:
        return input
    ranks = uniform(input, key=key, shape=(input.shape[0], count))
    chosen = ranks.argsort(dim=1, stable=True)[:, :kept].sort(1).values + prefix
    always = torch.arange(prefix, device=input.device).expand(input.shape[0], prefix)
    index = torch.cat([always, chosen], 1)
    return input.gather(1, index.unsqueeze(2).expand(-1, -1, input.shape[2]))


def kept_tokens(count: int, p: float) -> int:
    """How many of so many tokens ``patch_dropout`` keeps.

    >>> kept_tokens(196, 0.5), kept_tokens(10, 0.25), kept_tokens(3, 1.0)
    (98, 8, 1)
    """
    return max(1, int((1 - p) * count + 0.5))


def check_tokens(x: Tensor, prefix: int, name: str) -> None:
    """Raise unless an input has tokens."""
    check_input(x, name)
    _PREFIX.check(prefix, name)
    if x.ndim != 3:
        raise RankError(f"{name} got {x.ndim} dimensions; three, (N, T, D), are wanted")


class _Tokens(DropLayer):
    """What both layers have: tokens at the front that stay."""

    shown = ("prefix",)

    def __init__(self, p: float | Tensor = 0.5, prefix: int = 0) -> None:
        super().__init__()
        _PREFIX.check(prefix, type(self).__name__)
        self.p, self.prefix = p, prefix


class TokenDropout(_Tokens):
    """Set whole tokens of ``(N, T, D)`` to zero in training; identity in eval.

    See ``droplab.functional.token_dropout``.

    Args:
        p: drop rate in [0, 1].
        prefix: tokens at the front that are never dropped.

    >>> TokenDropout(0.2)
    TokenDropout(p=0.2, prefix=0)
    """

    def forward(self, input: Tensor) -> Tensor:
        """``(N, T, D)`` to the same shape."""
        return self._in_training(token_dropout, input, prefix=self.prefix)


class PatchDropout(_Tokens):
    """Take a share of the tokens of ``(N, T, D)`` out in training, which makes what follows cheaper; identity in eval.

    See ``droplab.functional.patch_dropout``. A model compiled with it is compiled anew where ``p`` changes the number
    of tokens kept.

    Args:
        p: share of tokens to take out, in [0, 1].
        prefix: tokens at the front that always stay.

    >>> PatchDropout(0.5, prefix=1)
    PatchDropout(p=0.5, prefix=1)
    """

    def forward(self, input: Tensor) -> Tensor:
        """``(N, prefix + T, D)`` to ``(N, prefix + K, D)``."""
        if not self.training:
            return input
        return patch_dropout(input, self.p, prefix=self.prefix, key=self._key(input))


KINDS = (
    Kind(
        "token_dropout", TokenDropout,
        "Iyyer et al., Deep unordered composition rivals syntactic methods for text classification, ACL 2015", MASKED,
        "a token of a sample", limits=(_PREFIX,),
        deviations=IN_TRAINING + "; tokens become zero, where the paper averages over those that are left",
        model="gpt", site="drop",
    ),
    Kind(
        "patch_dropout", PatchDropout,
        "Liu et al., PatchDropout: economizing vision transformers using patch dropout, WACV 2023",
        "y = x[kept], kept: K = max(1, floor((1 - p) T + 1/2)) of T tokens, in their order", "a token of a sample",
        limits=(_PREFIX,), picture=False,
        deviations="p = 1 leaves one token; a compiled graph holds for one number of tokens",
        model="my_model:patches", site="encoder:in",
    ),
)  # fmt: skip
