"""Variational dropout: weights with Gaussian noise, drawn at the outputs, and what the noise costs in nats."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.layers.learned import LearnedRate
from droplab.masks.checking import check_input
from droplab.masks.key import Key
from droplab.masks.noise import normal, uncast, widened
from droplab.variants.kind import Kind
from droplab.variants.options import OneOf

__all__ = ["VariationalDropoutLinear", "kl_log_uniform_cubic", "reparameterised", "variational_linear"]

_PER = OneOf("per", ("layer", "unit", "weight"))
CUBIC = (1.16145124, -1.50204118, 0.58629921)
"""``c1, c2, c3`` of Kingma, Salimans and Welling 2015."""

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
    input: Tensor, weight: Tensor, variance: Tensor, bias: Tensor | None = None, *, key: Key | None = None
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


class VariationalDropoutLinear(LearnedRate, nn.Linear):
    """A linear layer with learned Gaussian noise ``N(w, α w²)`` on its weights in training; the means in eval.

    ``y = x Wᵀ + b + ε √(x² (α W²)ᵀ)``, ``ε ~ N(0, 1)`` for each sample and output: variational dropout A. Kingma,
    Salimans and Welling, *Variational dropout and the local reparameterization trick*, NeurIPS 2015. ``α ≤ 1``, as
    there, that is ``p = α / (1 + α) ≤ 1/2``. Deviations: ``α = exp(-|log_alpha|)``, since behind a clamp there is no
    gradient to come back by; the constant of the KL term, see ``droplab.functional.kl_log_uniform_cubic``.

    Add ``droplab.nn.penalty(model) / len(training_set)`` to the mean loss.

    Args:
        in_features, out_features, bias, device, dtype: as for ``torch.nn.Linear``.
        p: the rate to begin with, in [0, 1/2]; Gaussian dropout's ``α = p / (1 - p)``.
        per: what has an α of its own: the ``"layer"``, each input ``"unit"``, or each ``"weight"``.

    Shapes: ``(N, *, in)`` to ``(N, *, out)``. ``state_dict``: ``weight``, ``bias``, and ``log_alpha``, which is
    ``(1,)``, ``(in,)`` or ``(out, in)``.

    >>> VariationalDropoutLinear(8, 4, p=0.2, per="unit")
    VariationalDropoutLinear(p=0.2, per='unit', in_features=8, out_features=4, bias=True)
    >>> VariationalDropoutLinear.adopt(nn.Linear(8, 4), per="weight").log_alpha.shape
    torch.Size([4, 8])
    """

    twin = nn.Linear
    shown = ("per",)
    highest = 0.5
    learned = "log_alpha"

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, p: float | Tensor = 0.2, per: str = "layer",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(in_features, out_features, bias, device, dtype)
        self.equip(p, per=per)

    def equip(self, p: float | Tensor = 0.2, *, per: str = "layer") -> None:
        """The rate, and what has one."""
        _PER.check(per, "VariationalDropoutLinear")
        shapes = {"layer": (1,), "unit": (self.in_features,), "weight": (self.out_features, self.in_features)}
        self.per = per
        self.log_alpha = nn.Parameter(self.weight.new_zeros(shapes[per]))
        self.p = p

    def _log_odds(self) -> Tensor:
        return torch.where(self.log_alpha > 0, -self.log_alpha, self.log_alpha)  # at 0 there is a gradient too

    def _set_log_odds(self, value: float) -> None:
        self.log_alpha.fill_(value)

    def penalty(self) -> Tensor:
        """The KL term of all weights, in nats; see ``droplab.functional.kl_log_uniform_cubic``."""
        return kl_log_uniform_cubic(widened(self._log_odds())).expand_as(self.weight).sum()

    def forward(self, input: Tensor) -> Tensor:
        """``(N, *, in)`` to ``(N, *, out)``."""
        check_input(input, "VariationalDropoutLinear")
        if not self.training:
            return super().forward(input)
        variance = widened(self._log_odds()).exp() * widened(self.weight).square()
        return variational_linear(input, self.weight, variance, self.bias, key=self._key(input))


_KINGMA = "Kingma, Salimans and Welling, Variational dropout and the local reparameterization trick, NeurIPS 2015"
KINDS = (
    Kind(
        "variational_dropout_linear", VariationalDropoutLinear, _KINGMA,
        "y = x Wᵀ + b + ε √(x² (α W²)ᵀ), ε ~ N(0, 1), α = p / (1 - p)", "nothing", eval_law="y = x Wᵀ + b",
        has_parameters=True, limits=(_PER,), example="droplab.nn.VariationalDropoutLinear(24, 6, p=0.1)",
        deviations="α ≤ 1 by reflection, not by a clamp; the constant of the KL term; p above 1/2 raises",
    ),
)  # fmt: skip
