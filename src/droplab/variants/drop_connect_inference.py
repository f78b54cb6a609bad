"""DropConnect's own inference, and what its layers have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from droplab.errors import UserError
from droplab.layers.adopting import Adopting
from droplab.masks.checking import is_zero
from droplab.masks.key import Key
from droplab.masks.noise import normal, uncast, widened
from droplab.variants.options import Count, Function, OneOf

Activation = Callable[[Tensor], Tensor]

_INFERENCE = OneOf("inference", ("mean", "gaussian"))
_SAMPLES = Count("samples")
_ACTIVATION = Function("activation", "torch.relu")
LIMITS = (_INFERENCE, _SAMPLES, _ACTIVATION)
"""Of the options that the layers have in common."""


def drop_connect_inference(
    mean: Tensor, variance: Tensor, *, samples: int = 100, activation: Activation | None = None, key: Key | None = None,
) -> Tensor:  # fmt: skip
    """DropConnect's own inference: the mean activation over draws from a normal with the masks' moments.

    ``y = (1 / Z) Σ a(u_z), u_z ~ N(mean, variance)``. Wan et al., *Regularization of neural networks using
    DropConnect*, ICML 2013, section 3.2: a sum of many weights, each dropped or not, is nearly normal. No deviations.

    Args:
        mean: ``(N, *)``, ``W x + b``.
        variance: the same shape; ``p / (1 - p) (W² x² + b²)`` for a mask scaled in training.
        samples: Z, one or more; drawn one after the other.
        activation: ``a``; the identity where absent, and the draws then only add noise that falls with ``samples``.
        key: names the draws; numbers from torch's default generator where absent.

    Returns:
        The shape of ``activation(mean)``.

    Raises:
        UserError: fewer than one sample.

    >>> import torch
    >>> half = drop_connect_inference(torch.zeros(1000), torch.ones(1000), activation=torch.relu, key=Key(0, 1))
    >>> f"{half.mean():.2f}"  # 1 / √(2π), where relu(mean) is 0
    '0.40'
    """
    _SAMPLES.check(samples, "drop_connect_inference")
    deviation = variance.clamp_min(torch.finfo(variance.dtype).tiny).sqrt()  # whose gradient is finite at 0
    total: Tensor | None = None
    for number in range(samples):
        drawn = (mean + deviation * normal(mean, key=key, stream=number + 1)).to(mean.dtype)
        active = drawn if activation is None else activation(drawn)
        total = widened(active) if total is None else total + active  # a sum of halves would overflow
    assert total is not None
    return (total / samples).to(mean.dtype)


class DropConnect(Adopting):
    """Base of DropConnect's layers: their options, and inference."""

    weight: Any
    bias: Any
    activation: Activation | None

    def equip(
        self, p: float | Tensor = 0.5, *, drop_bias: bool = True, inference: str = "mean", samples: int = 100,
        activation: Activation | None = None,
    ) -> None:  # fmt: skip
        """The rate, whether biases have it, and inference."""
        name = type(self).__name__
        _INFERENCE.check(inference, name)
        _SAMPLES.check(samples, name)
        if activation is not None:
            _ACTIVATION.check(activation, name)
        self.p, self.drop_bias = p, drop_bias
        self.inference, self.samples, self.activation = inference, samples, activation

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        raise NotImplementedError

    def _inferred(self, input: Tensor) -> Tensor:
        """The output in eval mode."""
        mean = self._linear(input, self.weight, self.bias)
        p = self._current_rate()
        if self.inference == "mean" or is_zero(p):
            return self._activated(mean)
        if not isinstance(p, Tensor) and p == 1:
            raise UserError(
                f"{type(self).__name__} got p=1 with inference 'gaussian', whose variance p / (1 - p) is infinite. "
                "Use a smaller p, or inference='mean'"
            )
        squares = None if self.bias is None or not self.drop_bias else widened(self.bias).square()
        with uncast(input):
            variance = self._linear(widened(input).square(), widened(self.weight).square(), squares) * (p / (1 - p))
        return drop_connect_inference(
            mean, variance, samples=self.samples, activation=self.activation, key=self._key(input)
        )

    def _activated(self, linear: Tensor) -> Tensor:
        return linear if self.activation is None else self.activation(linear)

    def extra_repr(self) -> str:
        """Rate, sizes and options."""
        samples = "" if self.inference == "mean" else f", samples={self.samples}"
        return f"{super().extra_repr()}, drop_bias={self.drop_bias}, inference={self.inference!r}{samples}"
