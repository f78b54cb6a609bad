"""Concrete dropout: a drop rate that gradients can learn."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.layers.learned import LearnedRate
from droplab.masks.checking import check_images, check_input
from droplab.masks.key import Key
from droplab.masks.noise import uniform, widened
from droplab.variants.kind import Kind
from droplab.variants.options import Positive

__all__ = ["ConcreteDropoutConv2d", "ConcreteDropoutLinear", "concrete_dropout", "concrete_penalty"]

_TEMPERATURE = Positive("temperature", "the paper: 0.1", who="concrete dropout")


def concrete_dropout(
    input: Tensor, p_logit: Tensor, training: bool = True, *, temperature: float = 0.1, shared: tuple[int, ...] = (),
    key: Key | None = None,
) -> Tensor:  # fmt: skip
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
    _TEMPERATURE.check(temperature)
    if not training:
        return input
    p_logit = widened(p_logit)
    odds = torch.logit(uniform(input, key=key, shared=shared))
    kept = torch.sigmoid(-(p_logit + odds) / temperature)
    return (input * (kept * (1 + p_logit.exp()))).to(input.dtype)  # 1 / (1 - p) is 1 + exp(logit p)


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


class _Concrete(LearnedRate):
    """What both layers have: ``p_logit``, temperature, and the options of the penalty."""

    learned = "p_logit"
    weight: Tensor

    def equip(
        self, p: float | Tensor = 0.1, *, temperature: float = 0.1, length_scale: float = 1e-2, tau: float = 1.0
    ) -> None:
        """The rate, how sharp its mask is, and the prior."""
        _TEMPERATURE.check(temperature)
        self.temperature, self.length_scale, self.tau = temperature, length_scale, tau
        self.p_logit = nn.Parameter(self.weight.new_zeros(1))  # not 0-d, which sharding wrappers refuse
        self.p = p

    def _log_odds(self) -> Tensor:
        return self.p_logit

    def _set_log_odds(self, value: float) -> None:
        self.p_logit.fill_(value)

    def penalty(self) -> Tensor:
        """Weight regulariser minus entropy, in nats; see ``droplab.functional.concrete_penalty``."""
        units = self.weight.shape[1] * getattr(self, "groups", 1)
        return concrete_penalty(self.weight, self.p_logit, units, length_scale=self.length_scale, tau=self.tau)


class ConcreteDropoutLinear(_Concrete, nn.Linear):
    """A linear layer with dropout of a learned rate on its inputs in training; the plain layer in eval.

    ``y = d(x) Wᵀ + b`` with ``d`` of ``droplab.functional.concrete_dropout`` (paper, equation and deviations there).
    Add ``droplab.nn.penalty(model) / len(training_set)`` to the mean loss: without it the rate falls to 0. In eval
    the weights are their means; for Monte Carlo predictions call the layer in training mode.

    Args:
        in_features, out_features, bias, device, dtype: as for ``torch.nn.Linear``.
        p: the rate to begin with, in [0, 1); at 0 there is nothing to learn from.
        temperature: of the relaxed mask; the paper's 0.1.
        length_scale: ``l`` of the prior; see ``droplab.functional.concrete_penalty``.
        tau: precision of the observations; see there.

    Shapes: ``(N, *, in)`` to ``(N, *, out)``. ``state_dict``: ``weight``, ``bias`` and ``p_logit``, ``(1,)``.

    >>> ConcreteDropoutLinear.adopt(nn.Linear(8, 4), 0.2)
    ConcreteDropoutLinear(p=0.2, in_features=8, out_features=4, bias=True)
    """

    twin = nn.Linear

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, p: float | Tensor = 0.1,
        temperature: float = 0.1, length_scale: float = 1e-2, tau: float = 1.0, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(in_features, out_features, bias, device, dtype)
        self.equip(p, temperature=temperature, length_scale=length_scale, tau=tau)

    def forward(self, input: Tensor) -> Tensor:
        """``(N, *, in)`` to ``(N, *, out)``."""
        check_input(input, "ConcreteDropoutLinear")
        if self.training:
            input = concrete_dropout(input, self.p_logit, temperature=self.temperature, key=self._key(input))
        return super().forward(input)


class ConcreteDropoutConv2d(_Concrete, nn.Conv2d):
    """A 2d convolution with channel dropout of a learned rate on its inputs in training; the plain layer in eval.

    One draw for each sample and input channel. See ``ConcreteDropoutLinear``. Deviation: the authors' code takes a
    temperature of 2/3 for convolutions; here it is 0.1 as in the paper.

    Args:
        in_channels, out_channels, kernel_size: as for ``torch.nn.Conv2d``.
        p: the rate to begin with, in [0, 1); at 0 there is nothing to learn from.
        temperature: of the relaxed mask.
        length_scale: ``l`` of the prior; see ``droplab.functional.concrete_penalty``.
        tau: precision of the observations; see there.
        options: those of ``torch.nn.Conv2d``.

    Shapes: ``(N, C, H, W)`` to ``(N, C', H', W')``. ``state_dict``: ``weight``, ``bias`` and ``p_logit``, ``(1,)``.

    >>> ConcreteDropoutConv2d.adopt(nn.Conv2d(3, 8, 3), 0.2)
    ConcreteDropoutConv2d(p=0.2, 3, 8, kernel_size=(3, 3), stride=(1, 1))
    """

    twin = nn.Conv2d

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int | tuple[int, int], *, p: float | Tensor = 0.1,
        temperature: float = 0.1, length_scale: float = 1e-2, tau: float = 1.0, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.equip(p, temperature=temperature, length_scale=length_scale, tau=tau)

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C', H', W')``, or without ``N``."""
        check_images(input, "ConcreteDropoutConv2d")
        if input.ndim == 3:
            return self.forward(input[None])[0]
        if self.training:
            input = concrete_dropout(
                input, self.p_logit, temperature=self.temperature, shared=(2, 3), key=self._key(input)
            )
        return super().forward(input)


_GAL = "Gal, Hron and Kendall, Concrete dropout, NeurIPS 2017"
KINDS = (
    Kind(
        "concrete_dropout_linear", ConcreteDropoutLinear, _GAL,
        "y = (x (1 - z) / (1 - p)) Wᵀ + b, z = σ((logit p + logit u) / t), u ~ U(0, 1)", "nothing",
        eval_law="y = x Wᵀ + b", has_parameters=True, limits=(_TEMPERATURE,),
        example="droplab.nn.ConcreteDropoutLinear(24, 6, p=0.1)",
        deviations="the bias has no prior; p = 1 cannot be learned from and raises",
    ),
    Kind(
        "concrete_dropout_conv2d", ConcreteDropoutConv2d, _GAL,
        "y = (x (1 - z) / (1 - p)) * W + b, z = σ((logit p + logit u) / t), u ~ U(0, 1)",
        "the input channel of a sample", eval_law="y = x * W + b", has_parameters=True, limits=(_TEMPERATURE,),
        example="droplab.nn.ConcreteDropoutConv2d(4, 3, 3, p=0.1)",
        deviations="temperature 0.1, where the authors' code takes 2/3; the bias has no prior; p = 1 raises",
        site="conv2",
    ),
)  # fmt: skip
