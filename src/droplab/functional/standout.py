"""Standout: dropout whose rate follows each unit's own input."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from droplab.errors import UserError
from droplab.functional.checking import check_input, check_rate
from droplab.functional.key import Key
from droplab.functional.noise import uniform, widened


def standout(
    input: Tensor,  # noqa: A002  # torch's name
    preactivation: Tensor,
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    alpha: float = 1.0,
    key: Key | None = None,
) -> Tensor:
    """Keep each unit with a probability of its own, which grows with what arrives at the unit.

    With ``a`` the preactivation and ``f(a)`` the input, the keep probability is ``k = σ(α a + β)`` and ::

        training  y = f(a) m,   m = 1 with probability k, else 0
        eval      y = f(a) k    the mean of that

    ``β = log((1 - p) / p)``, so that ``p`` is the drop rate of a unit whose preactivation is 0: a unit that is far
    above is kept, one that is far below is dropped. ``α = 0`` is standard dropout of rate ``p``, without its scale.
    Ba and Frey, *Adaptive dropout for training deep neural networks*, NeurIPS 2013, with the weights of the layer
    itself for those of the dropout network (the paper's ``π = α w + β``). Deviations: β is added to the
    preactivation, where the paper's formula reads as if it were added to each weight. As in the paper, what is kept
    is not scaled, and no gradient passes through the mask in training.

    Args:
        input: what the units give, ``f(a)``; any shape, floating point. For ReLU it may be the preactivation itself,
            with ReLU applied to the result.
        preactivation: ``a``, of the same shape.
        p: drop rate at a preactivation of 0, in [0, 1]; 0 keeps and 1 drops everything.
        training: where false, the mean.
        alpha: how much the rate follows the preactivation.
        key: as for ``dropout``.

    Raises:
        UserError: ``p`` outside [0, 1], shapes that differ, or an input that is not floating point.

    >>> a = torch.tensor([-9.0, 0.0, 9.0])
    >>> standout(a.relu(), a, 0.5, training=False)
    tensor([0.0000, 0.0000, 8.9989])
    >>> standout(torch.ones(3), a, 0.5, training=False)
    tensor([1.2339e-04, 5.0000e-01, 9.9988e-01])
    """
    check_rate(p, learned=not training)
    check_input(input, "standout")
    if input.shape != preactivation.shape:
        raise UserError(
            f"standout got an input of {tuple(input.shape)} and preactivations of {tuple(preactivation.shape)}; the "
            "same shape is wanted"
        )
    if not training:
        return input * _keep(preactivation, p, alpha).to(input.dtype)
    keep = _keep(preactivation.detach(), p, alpha)
    kept = uniform(keep, key=key) <= keep  # a uniform number may round to 1, never to 0
    return torch.where(kept, input, 0.0)


def _keep(preactivation: Tensor, p: float | Tensor, alpha: float) -> Tensor:
    received = widened(preactivation)
    if isinstance(p, Tensor):
        return torch.sigmoid(alpha * received - torch.logit(p.to(received)))
    beta = math.log((1 - p) / p) if 0 < p < 1 else math.inf * (1 - 2 * p)
    return torch.sigmoid(alpha * received + beta)
