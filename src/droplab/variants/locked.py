"""Dropout with one mask for all time steps."""

from __future__ import annotations

from torch import Tensor

from droplab.errors import RankError
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_input, check_rate
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.variants.kind import IN_TRAINING, MASKED, Kind

__all__ = ["LockedDropout", "locked_dropout"]


def locked_dropout(
    input: Tensor, p: float | Tensor = 0.5, training: bool = True, *, batch_first: bool = True, key: Key | None = None
) -> Tensor:
    """Dropout with one mask for all time steps of a sequence.

    ``y[n, t, h] = m[n, h] x[n, t, h] / (1 - p)``. Gal and Ghahramani, *A theoretically grounded application of
    dropout in recurrent neural networks*, NeurIPS 2016. Deviations: scaled in training; the rate is that of
    ``dropout``, rounded to 16 bits.

    Args:
        input: ``(N, T, H)``, or ``(T, N, H)`` where ``batch_first`` is false.
        p: drop rate in [0, 1].
        training: where false, the input itself is returned.
        batch_first: whether samples come before time.
        key: as for ``dropout``; where ``batch_first`` is false, its ``batch_dim`` 0 (the default), along which time
            runs, is taken as 1.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.
        RankError: not three dimensions.

    >>> import torch
    >>> y = locked_dropout(torch.ones(2, 5, 8))
    >>> torch.equal(y[:, :1].expand(2, 5, 8), y)
    True
    """
    check_rate(p)
    check_input(input, "locked_dropout")
    if input.ndim != 3:
        wanted = "(N, T, H)" if batch_first else "(T, N, H)"
        raise RankError(f"locked dropout got {input.ndim} dimensions; three, {wanted}, are wanted")
    if not training:
        return input
    if key is not None and not batch_first and key.batch_dim == 0:
        key = key._replace(batch_dim=1)
    return drop(input, p, key=key, shared=(1 if batch_first else 0,))


class LockedDropout(DropLayer):
    """Dropout with one mask for all time steps in training; identity in eval.

    See ``droplab.functional.locked_dropout``.

    Args:
        p: drop rate in [0, 1].
        batch_first: ``(N, T, H)`` where true, ``(T, N, H)`` where false.

    >>> LockedDropout(0.2)
    LockedDropout(p=0.2, batch_first=True)
    """

    shown = ("batch_first",)

    def __init__(self, p: float | Tensor = 0.5, batch_first: bool = True) -> None:
        super().__init__()
        self.p, self.batch_first = p, batch_first
        self.batch_dim = 0 if batch_first else 1

    def forward(self, input: Tensor) -> Tensor:
        """``(N, T, H)`` to the same shape."""
        return self._in_training(locked_dropout, input, batch_first=self.batch_first)


KINDS = (
    Kind(
        "locked_dropout", LockedDropout,
        "Gal and Ghahramani, A theoretically grounded application of dropout in recurrent neural networks, "
        "NeurIPS 2016",
        MASKED, "a unit of a sample at all time steps", deviations=IN_TRAINING,
        model="lstm", site="lstm1:in",
    ),
)  # fmt: skip
