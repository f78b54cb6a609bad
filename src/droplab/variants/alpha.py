"""Alpha dropout, for self-normalising networks."""

from __future__ import annotations

from torch import Tensor, nn

from droplab.errors import RankError
from droplab.kernels.job import Law
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_rate
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.variants.kind import Kind

__all__ = ["AlphaDropout", "FeatureAlphaDropout", "alpha_dropout", "feature_alpha_dropout"]


def alpha_dropout(
    input: Tensor, p: float | Tensor = 0.5, training: bool = False, inplace: bool = False, *, key: Key | None = None
) -> Tensor:
    """Set each element to SELU's lower limit with probability ``p``, then keep mean and variance by an affine map.

    With ``α' = -1.7580993…``: kept elements become ``a x + b``, dropped ones ``a α' + b``, where
    ``a = ((1 - p)(1 + p α'²))^(-1/2)`` and ``b = -a p α'``. Klambauer et al., *Self-normalizing neural networks*,
    NeurIPS 2017. Arguments as for ``dropout``, but ``training`` is false by default, as in torch. At ``p = 1`` all
    is zero, as in torch.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.

    >>> import torch
    >>> alpha_dropout(torch.zeros(4), 0.5, training=True, key=Key(seed=0, layer="a", batch_dim=None))
    tensor([ 0.7792, -0.7792,  0.7792, -0.7792])
    """
    check_rate(p)
    return drop(input, p, inplace=inplace, key=key, law=Law.ALPHA) if training else input


def feature_alpha_dropout(
    input: Tensor, p: float | Tensor = 0.5, training: bool = False, inplace: bool = False, *, key: Key | None = None
) -> Tensor:
    """Alpha dropout of whole channels: one draw for each sample and channel of ``(N, C, *)``.

    Arguments as for ``alpha_dropout``; the input has two dimensions or more.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.
        RankError: fewer than two dimensions.

    >>> import torch
    >>> y = feature_alpha_dropout(torch.zeros(2, 3, 4), 0.5, training=True)
    >>> (y == y[:, :, :1]).all()
    tensor(True)
    """
    check_rate(p)
    if not training:
        return input
    if input.ndim < 2:
        raise RankError(f"feature dropout got {input.ndim} dimensions; at least 2, (N, C, *), are wanted")
    return drop(input, p, inplace=inplace, key=key, shared=tuple(range(2, input.ndim)), law=Law.ALPHA)


class AlphaDropout(DropLayer, nn.AlphaDropout):
    """Alpha dropout in training, for networks of SELUs; identity in eval.

    See ``droplab.functional.alpha_dropout``. In the place of ``torch.nn.AlphaDropout``, which it is a subclass of;
    unlike torch's it obeys ``inplace``.

    >>> AlphaDropout(0.2)
    AlphaDropout(p=0.2, inplace=False)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Any shape to the same shape."""
        return self._in_training(alpha_dropout, input, inplace=self.inplace)


class FeatureAlphaDropout(DropLayer, nn.FeatureAlphaDropout):
    """Alpha dropout of whole channels of ``(N, C, *)`` in training; identity in eval.

    See ``droplab.functional.feature_alpha_dropout``. In the place of ``torch.nn.FeatureAlphaDropout``, which it is a
    subclass of; unlike torch's it obeys ``inplace``.

    >>> FeatureAlphaDropout(0.2)
    FeatureAlphaDropout(p=0.2, inplace=False)
    """

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, *)`` to the same shape."""
        return self._in_training(feature_alpha_dropout, input, inplace=self.inplace)


_KLAMBAUER = "Klambauer et al., Self-normalizing neural networks, NeurIPS 2017"
_AFFINE = "y = a (m x + (1 - m) α') + b, a = ((1 - p)(1 + p α'²))^(-1/2), b = -a p α'"
KINDS = (
    Kind(
        "alpha_dropout", AlphaDropout, _KLAMBAUER, _AFFINE, "nothing", deviations="p = 1 gives zeros, as in torch",
    ),
    Kind(
        "feature_alpha_dropout", FeatureAlphaDropout, _KLAMBAUER, _AFFINE, "the channel of a sample",
        deviations="whole channels, which the paper does not have; p = 1 gives zeros",
        site="conv2:out",
    ),
)  # fmt: skip
