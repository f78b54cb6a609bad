"""Standard dropout."""

from __future__ import annotations

from torch import Tensor

from droplab.functional.checking import check_rate
from droplab.functional.key import Key
from droplab.functional.masked import drop


def dropout(
    input: Tensor,  # noqa: A002  # torch's name
    p: float | Tensor = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    key: Key | None = None,
) -> Tensor:
    """Drop each element with probability ``p`` (not the keep rate) and scale the others by ``1 / (1 - p)``.

    ``y = m x / (1 - p)`` with ``m`` 0 with probability ``p``, else 1. Hinton et al., *Improving neural networks by
    preventing co-adaptation of feature detectors*, 2012; Srivastava et al., *Dropout*, JMLR 2014. Deviations from
    the papers: scaling happens in training, not at test time (as everywhere today); ``p`` is rounded to 16 bits and
    the scale is that of the rounded rate (see ``droplab.rng``). Unlike torch's, a dropped NaN or infinity is 0.

    Nothing is kept for the backward pass, which draws the mask again.

    Args:
        input: any shape, floating point.
        p: drop rate in [0, 1]; a 0-d tensor may change without recompiling. 0 returns the input itself, 1 zeros.
        training: where false, the input itself is returned.
        inplace: write into the input.
        key: names the mask; where absent a seed is drawn from torch's default generator.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point. It is a ``ValueError``, as torch's.

    >>> import torch
    >>> dropout(torch.ones(2, 5), 0.5, key=Key(seed=0, layer="fc1"))
    tensor([[2., 2., 0., 0., 0.],
            [0., 0., 0., 2., 2.]])
    >>> dropout(torch.ones(3), 0.5, training=False)
    tensor([1., 1., 1.])
    """
    check_rate(p)
    return drop(input, p, inplace=inplace, key=key) if training else input
