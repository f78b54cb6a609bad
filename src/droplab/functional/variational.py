"""Variational dropout: weights with Gaussian noise, drawn at the outputs, and what the noise costs in nats."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab.functional.checking import check_input
from droplab.functional.key import Key
from droplab.functional.noise import normal, uncast, widened

CUBIC = (1.16145124, -1.50204118, 0.58629921)
"""``c1, c2, c3`` of Kingma, Salimans and Welling 2015."""
SIGMOID = (0.63576, 1.87320, 1.48695)
"""``k1, k2, k3`` of Molchanov, Ashukha and Vetrov 2017."""
_HALF_LOG = (0.5772156649015329 + math.log(2)) / 2
"""``-E log|z|`` of a standard normal ``z``."""


def reparameterised(mean: Tensor, variance: Tensor, *, key: Key | None = None) -> Tensor:
    """``y = mean + ε √variance`` with ``ε ~ N(0, 1)`` for each element: the local reparameterisation.

    Kingma, Salimans and Welling, *Variational dropout and the local reparameterization trick*, NeurIPS 2015. Noise
    on weights is drawn where it arrives, at the outputs, so that each sample has noise of its own and gradients vary
    less. Where the variance is 0 (below the smallest normal number) there is no noise and no gradient to it.

    Args:
        mean: any shape, floating point.
        variance: of the same shape, not negative.
        key: as for ``dropout``, for the shape of ``mean``.

    >>> reparameterised(torch.ones(3), torch.zeros(3))
    tensor([1., 1., 1.])
    """
    alive = variance >= torch.finfo(variance.dtype).tiny
    deviation = torch.where(alive, torch.where(alive, variance, 1.0).sqrt(), 0.0)
    return (mean + deviation * normal(mean, key=key)).to(mean.dtype)


def variational_linear(
    input: Tensor,  # noqa: A002  # torch's name
    weight: Tensor,
    variance: Tensor,
    bias: Tensor | None = None,
    *,
    key: Key | None = None,
) -> Tensor:
    """A linear map with weights ``N(weight, variance)``, drawn at the outputs for each sample.

    ::

        y = x Wᵀ + b + ε √(x² Vᵀ),  ε ~ N(0, 1)

    Variational dropout A of Kingma, Salimans and Welling, NeurIPS 2015, for ``V = α W²``. The variance is computed
    in float32 at least, under autocast too.

    Args:
        input: ``(N, *, in)``, floating point.
        weight: ``(out, in)``, the means.
        variance: ``(out, in)``, or what broadcasts to it.
        bias: ``(out,)``.
        key: as for ``dropout``.

    Returns:
        ``(N, *, out)``.

    Raises:
        UserError: an input that is not floating point.

    >>> x, w = torch.ones(2, 3), torch.ones(4, 3)
    >>> variational_linear(x, w, 0 * w)
    tensor([[3., 3., 3., 3.],
            [3., 3., 3., 3.]])
    """
    check_input(input, "variational_linear")
    with uncast(input):
        noise = F.linear(widened(input).square(), widened(variance).expand_as(weight))
    return reparameterised(F.linear(input, weight, bias), noise, key=key)


def kl_log_uniform(log_alpha: Tensor) -> Tensor:
    """What Gaussian noise of variance ``α w²`` on a weight ``w`` costs, in nats, for each element of ``log α``.

    ::

        KL(N(w, α w²) ‖ log-uniform) ≈ k1 (1 - σ(k2 + k3 log α)) + log(1 + 1/α) / 2

    Molchanov, Ashukha and Vetrov, *Variational dropout sparsifies deep neural networks*, ICML 2017, equation 14,
    with ``k1, k2, k3 = 0.63576, 1.87320, 1.48695``. It falls to 0 as α grows.

    >>> kl_log_uniform(torch.tensor([-2.0, 0.0, 3.0]))
    tensor([1.5405, 0.4312, 0.0254])
    """
    k1, k2, k3 = SIGMOID
    return k1 * torch.sigmoid(-(k2 + k3 * log_alpha)) + 0.5 * F.softplus(-log_alpha)


def kl_log_uniform_cubic(log_alpha: Tensor) -> Tensor:
    """The same for ``α ≤ 1`` by a polynomial of third degree.

    ::

        KL ≈ (γ + log 2) / 2 - log α / 2 - c1 α - c2 α² - c3 α³

    Kingma, Salimans and Welling, NeurIPS 2015, appendix C, with ``c1, c2, c3 = 1.16145124, -1.50204118,
    0.58629921``; γ is Euler's constant. The paper leaves the constant open; this one lets the exact term fall to 0
    as α grows, as in ``kl_log_uniform``.

    >>> kl_log_uniform_cubic(torch.tensor([-2.0, 0.0]))
    tensor([1.5041, 0.3895])
    """
    c1, c2, c3 = CUBIC
    alpha = log_alpha.exp()
    return _HALF_LOG - 0.5 * log_alpha - alpha * (c1 + alpha * (c2 + alpha * c3))
