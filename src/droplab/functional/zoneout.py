"""Zoneout: units that keep what they were instead of being set to zero."""

from __future__ import annotations

import torch
from torch import Tensor

from droplab.errors import UserError
from droplab.functional.checking import check_input, check_rate
from droplab.functional.key import Key
from droplab.functional.masked import drop


def zoneout(
    new: Tensor,
    old: Tensor,
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    key: Key | None = None,
) -> Tensor:
    """Keep each unit of a recurrent state as it was, with probability ``p``; one time step of a loop of your own.

    ``y = m old + (1 - m) new``, ``m = 1`` with probability ``p``; in eval mode ``y = p old + (1 - p) new``. Krueger
    et al., *Zoneout: regularizing RNNs by randomly preserving hidden activations*, ICLR 2017. No deviations but the
    rate, which is that of ``dropout``, rounded to 16 bits.

    Args:
        new: ``(N, *)``, the state that the step computed.
        old: the same shape, the state before the step.
        p: probability in [0, 1] that a unit stays as it was.
        training: draw where true, the mean where false.
        key: as for ``dropout``; each time step needs one of its own: ``key._replace(layer=f"zoneout {t}")``.

    Raises:
        UserError: ``p`` outside [0, 1], shapes that differ, or a state that is not floating point.

    >>> import torch
    >>> zoneout(torch.ones(2, 4), torch.zeros(2, 4), 0.5, key=Key(seed=0, layer=1))
    tensor([[0., 0., 0., 1.],
            [0., 1., 1., 1.]])
    >>> zoneout(torch.ones(1, 2), torch.zeros(1, 2), 0.25, training=False)
    tensor([[0.7500, 0.7500]])
    """
    check_rate(p, learned=not training)
    check_input(new, "zoneout")
    if new.shape != old.shape:
        raise UserError(
            f"zoneout got a new state of shape {tuple(new.shape)} and an old one of shape {tuple(old.shape)}; equal "
            "shapes are wanted"
        )
    if not training:
        return new + p * (old - new)
    return torch.where(moved(new, tuple(new.shape), p, key), new, old)


def moved(like: Tensor, shape: tuple[int, ...], p: float | Tensor, key: Key | None) -> Tensor:
    """Which units take their new state, as booleans of a shape: all time steps of a sequence in one draw.

    >>> import torch
    >>> moved(torch.ones(()), (1, 2, 4), 0.5, Key(seed=0, layer=1))
    tensor([[[False, False, False,  True],
             [ True, False, False, False]]])
    """
    return drop(like.new_ones(shape), p, key=key) > 0
