"""Concrete dropout: a drop rate that gradients can learn."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab.errors import UserError
from droplab.functional.checking import check_input
from droplab.functional.key import Key
from droplab.functional.noise import uniform, widened


def concrete_dropout(
    input: Tensor,  # noqa: A002  # torch's name
    p_logit: Tensor,
    training: bool = True,
    *,
    temperature: float = 0.1,
    shared: tuple[int, ...] = (),
    key: Key | None = None,
) -> Tensor:
    """Dropout with a mask that is nearly 0 or 1, so that the drop rate has a gradient.

    ::

        u ~ U(0, 1),  z = σ((log p - log(1 - p) + log u - log(1 - u)) / t),  y = x (1 - z) / (1 - p)

    Gal, Hron and Kendall, *Concrete dropout*, NeurIPS 2017. ``z`` is above 1/2 with probability ``p`` exactly; the
    mean of ``1 - z`` is ``1 - p`` for ``p = 1/2`` and within 0.002 of it for other rates at ``t = 0.1``.

    Args:
        input: any shape, floating point.
        p_logit: ``log p - log(1 - p)``, of one element or what broadcasts against the mask.
        training: where false, the input itself is returned.
        temperature: ``t > 0``; the smaller, the nearer to 0 and 1.
        shared: dimensions along which one draw is shared: ``(2, 3)`` for whole channels of ``(N, C, H, W)``.
        key: as for ``dropout``.

    Raises:
        UserError: a temperature that is not positive, or an input that is not floating point.

    >>> p_logit = torch.zeros(1, requires_grad=True)
    >>> concrete_dropout(torch.ones(100), p_logit).sum().backward()
    >>> bool(p_logit.grad != 0)
    True
    """
    check_input(input, "concrete_dropout")
    check_temperature(temperature)
    if not training:
        return input
    p_logit = widened(p_logit)
    odds = torch.logit(uniform(input, key=key, shared=shared))
    kept = torch.sigmoid(-(p_logit + odds) / temperature)
    return (input * (kept * (1 + p_logit.exp()))).to(input.dtype)  # 1 / (1 - p) is 1 + exp(logit p)


def check_temperature(temperature: float) -> None:
    """Raise unless the temperature is positive."""
    if not temperature > 0:
        raise UserError(f"concrete dropout got temperature {temperature}; a positive number is wanted (the paper: 0.1)")


def concrete_penalty(
    weight: Tensor, p_logit: Tensor, units: int, *, length_scale: float = 1e-2, tau: float = 1.0
) -> Tensor:
    """The Kullback-Leibler term of concrete dropout, in nats, up to a constant; 0-d.

    ::

        (l² ‖W‖² / (2 (1 - p)) - K H(p)) / τ,   H(p) = -p log p - (1 - p) log(1 - p)

    It stands beside the negative log likelihood of all training samples together. Gal, Hron and Kendall, NeurIPS
    2017, equation 3, where the matrix that is masked is ``W / (1 - p)``, as ``concrete_dropout`` scales.

    Args:
        weight: what the masked units are multiplied by; any shape.
        p_logit: ``log p - log(1 - p)``, of one element.
        units: ``K``, the number of units that are masked: input features, or input channels.
        length_scale: ``l`` of the prior ``N(0, 1 / l²)`` of the weights.
        tau: precision of the observations, where the data term is half the sum of squared errors; 1 where it is a
            negative log likelihood.

    >>> concrete_penalty(torch.zeros(3, 8), torch.zeros(1), 8)  # 8 log 2, the other way round
    tensor(-5.5452)
    """
    weight, p_logit = widened(weight), widened(p_logit)
    entropy = F.softplus(p_logit) - p_logit * torch.sigmoid(p_logit)
    prior = 0.5 * length_scale**2 * weight.square().sum() * (1 + p_logit.exp())
    return ((prior - units * entropy) / tau).sum()
