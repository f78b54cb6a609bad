"""Dropout of whole channels (spatial dropout): one draw for each sample and channel."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from torch import Tensor, nn

from droplab.errors import RankError
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_rate
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.variants.kind import IN_TRAINING, MASKED, Kind

__all__ = ["Dropout1d", "Dropout2d", "Dropout3d", "dropout1d", "dropout2d", "dropout3d"]


def _channels(x: Tensor, p: float | Tensor, inplace: bool, key: Key | None) -> Tensor:
    if x.ndim < 2:
        raise RankError(f"dropout of channels got {x.ndim} dimensions; at least 2, (N, C, *), are wanted")
    return drop(x, p, inplace=inplace, key=key, shared=tuple(range(2, x.ndim)))


def _unbatched(x: Tensor, p: float | Tensor, inplace: bool, key: Key | None) -> Tensor:
    """``(C, *)`` is one sample."""
    result = _channels(x.unsqueeze(0), p, inplace, key)
    return x if inplace else result.squeeze(0)


def dropout1d(
    input: Tensor, p: float | Tensor = 0.5, training: bool = True, inplace: bool = False, *, key: Key | None = None
) -> Tensor:
    """Drop whole channels of ``(N, C, L)`` or ``(C, L)`` with probability ``p``; scale the others by ``1 / (1 - p)``.

    Tompson et al., *Efficient object localization using convolutional networks*, CVPR 2015. Arguments as for
    ``dropout``.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.
        RankError: not two or three dimensions.

    >>> import torch
    >>> y = dropout1d(torch.ones(2, 3, 4))
    >>> (y == y[:, :, :1]).all()
    tensor(True)
    """
    check_rate(p)
    if input.ndim not in {2, 3}:
        raise RankError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Channels with one spatial "
            "dimension, (N, C, L) or (C, L), are wanted"
        )
    if not training:
        return input
    return (_channels if input.ndim == 3 else _unbatched)(input, p, inplace, key)


def dropout2d(
    input: Tensor, p: float | Tensor = 0.5, training: bool = True, inplace: bool = False, *, key: Key | None = None
) -> Tensor:
    """Drop whole channels of ``(N, C, H, W)`` with probability ``p``; scale the others by ``1 / (1 - p)``.

    Tompson et al., CVPR 2015. As in torch, three dimensions are taken as ``(N, C, L)`` and other ranks as
    ``(N, C, *)``, both with a warning. Arguments as for ``dropout``.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.
        RankError: fewer than two dimensions.

    >>> import torch
    >>> y = dropout2d(torch.ones(2, 3, 4, 4))
    >>> (y == y[:, :, :1, :1]).all()
    tensor(True)
    """
    check_rate(p)
    if input.ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired:"
            " it is taken as (N, C, L). Use dropout1d for that, or add a sample dimension: input.unsqueeze(0)",
            stacklevel=2,
        )
    elif input.ndim != 4:
        warnings.warn(
            f"dropout2d: Received a {input.ndim}-D input to dropout2d; (N, C, H, W) is wanted; taken as (N, C, *)",
            stacklevel=2,
        )
    return _channels(input, p, inplace, key) if training else input


def dropout3d(
    input: Tensor, p: float | Tensor = 0.5, training: bool = True, inplace: bool = False, *, key: Key | None = None
) -> Tensor:
    """Drop whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` with probability ``p``; scale the others.

    Tompson et al., CVPR 2015. As in torch, other ranks come with a warning and are taken as ``(C, *)``. Arguments
    as for ``dropout``.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.

    >>> import torch
    >>> y = dropout3d(torch.ones(2, 3, 2, 2, 2))
    >>> (y == y[:, :, :1, :1, :1]).all()
    tensor(True)
    """
    check_rate(p)
    if input.ndim not in {4, 5}:
        warnings.warn(
            f"dropout3d: Received a {input.ndim}-D input to dropout3d; (N, C, D, H, W) or (C, D, H, W) is wanted. "
            "It is taken as (C, *)",
            stacklevel=2,
        )
    if not training:
        return input
    return (_channels if input.ndim == 5 else _unbatched)(input, p, inplace, key)


class _Channels(DropLayer):
    """What the three share: the functions see eval mode too, and an input without a sample dimension is one sample."""

    inplace: bool

    def _through(self, function: Callable[..., Tensor], input: Tensor, batched: bool = True) -> Tensor:
        if not self.training:
            return function(input, self._current_rate(), False, self.inplace, key=None)
        rate, key = self._rated(input if batched else input.unsqueeze(0))
        return function(input, rate, True, self.inplace, key=key)


class Dropout1d(_Channels, nn.Dropout1d):
    """Drop whole channels of ``(N, C, L)`` or ``(C, L)`` in training; identity in eval.

    See ``droplab.functional.dropout1d``. In the place of ``torch.nn.Dropout1d``, which it is a subclass of.

    >>> Dropout1d(0.2)
    Dropout1d(p=0.2, inplace=False)
    """

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, L)`` or ``(C, L)`` to the same shape."""
        return self._through(dropout1d, input, batched=input.ndim != 2)


class Dropout2d(_Channels, nn.Dropout2d):
    """Drop whole channels of ``(N, C, H, W)`` in training; identity in eval.

    See ``droplab.functional.dropout2d``. In the place of ``torch.nn.Dropout2d``, which it is a subclass of.

    >>> Dropout2d(0.2)
    Dropout2d(p=0.2, inplace=False)
    """

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape."""
        return self._through(dropout2d, input)


class Dropout3d(_Channels, nn.Dropout3d):
    """Drop whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` in training; identity in eval.

    See ``droplab.functional.dropout3d``. In the place of ``torch.nn.Dropout3d``, which it is a subclass of.

    >>> Dropout3d(0.2)
    Dropout3d(p=0.2, inplace=False)
    """

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, D, H, W)`` or ``(C, D, H, W)`` to the same shape."""
        return self._through(dropout3d, input, batched=input.ndim == 5)


_TOMPSON = "Tompson et al., Efficient object localization using convolutional networks, CVPR 2015"
KINDS = (
    Kind(
        "dropout1d", Dropout1d, _TOMPSON, MASKED, "the channel of a sample", deviations=IN_TRAINING,
        model="my_model:signal", site="conv:out",
    ),
    Kind(
        "dropout2d", Dropout2d, _TOMPSON, MASKED, "the channel of a sample",
        deviations="three dimensions are (N, C, L), with a warning, as in torch",
        site="conv2:out",
    ),
    Kind(
        "dropout3d", Dropout3d, _TOMPSON, MASKED, "the channel of a sample",
        deviations="channels of volumes, which the paper does not have",
        model="my_model:volume", site="conv:out",
    ),
)  # fmt: skip
