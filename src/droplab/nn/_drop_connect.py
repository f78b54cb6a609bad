"""DropConnect as layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from droplab.errors import UserError
from droplab.functional.checking import check_input
from droplab.functional.noise import uncast, widened
from droplab.functional.weights import drop_connect, drop_connect_inference, dropped
from droplab.nn._concrete import check_images
from droplab.nn.adopting import taken_over
from droplab.nn.layer import DropLayer

Activation = Callable[[Tensor], Tensor]


class _DropConnect(DropLayer):
    """What the two have in common: the options, and inference."""

    weight: Any
    bias: Any
    activation: Activation | None

    def equip(self, p: float | Tensor, drop_bias: bool, inference: str, samples: int, activation: Any) -> None:
        """Set what the layer has beside its torch twin."""
        if inference not in {"mean", "gaussian"}:
            raise UserError(f"{type(self).__name__} got inference {inference!r}; 'mean' or 'gaussian' is wanted")
        if samples < 1:
            raise UserError(f"{type(self).__name__} got samples={samples}; 1 or more are wanted")
        if activation is not None and not callable(activation):
            raise UserError(
                f"{type(self).__name__} got activation {activation!r}; a function such as torch.relu is wanted, or None"
            )
        self.p, self.drop_bias, self.inference, self.samples, self.activation = (
            p, drop_bias, inference, samples, activation,
        )  # fmt: skip

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        raise NotImplementedError

    def _inferred(self, input: Tensor) -> Tensor:  # noqa: A002
        """The output in eval mode."""
        mean = self._linear(input, self.weight, self.bias)
        p = self._current_rate()
        if self.inference == "mean" or (not isinstance(p, Tensor) and p == 0):
            return mean if self.activation is None else self.activation(mean)
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

    def _options(self) -> str:
        shown = f"drop_bias={self.drop_bias}, inference={self.inference!r}"
        return shown if self.inference == "mean" else f"{shown}, samples={self.samples}"


class DropConnectLinear(_DropConnect, nn.Linear):
    """``torch.nn.Linear`` with its weights dropped one by one in training. Same parameters, same ``state_dict`` keys.

    See ``droplab.functional.drop_connect``. In eval mode the mean weights, ``a(W x + b)``, or the paper's inference,
    ``droplab.functional.drop_connect_inference``, which draws, under ``droplab.keyed`` by key.

    Args:
        in_features: as for ``torch.nn.Linear``, like ``out_features``, ``bias``, ``device`` and ``dtype``.
        out_features: see there.
        bias: see there.
        p: drop rate in [0, 1].
        drop_bias: drop biases too, as in the paper.
        per_sample: a mask for each sample, as in the paper, where one for the batch is the default; takes as many
            copies of the weights as there are samples.
        inference: ``"mean"`` or ``"gaussian"``.
        samples: how many draws the Gaussian inference takes for each unit.
        activation: what follows the layer in the paper, ``a``; the identity where absent. Only where it is known here
            can inference average activations.
        device: see there.
        dtype: see there.

    >>> DropConnectLinear(3, 2, p=0.5)
    DropConnectLinear(p=0.5, in_features=3, out_features=2, bias=True, drop_bias=True, inference='mean')
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        p: float | Tensor = 0.5,
        drop_bias: bool = True,
        per_sample: bool = False,
        inference: str = "mean",
        samples: int = 100,
        activation: Activation | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, device, dtype)
        self.equip(p, drop_bias, inference, samples, activation)
        self.per_sample = per_sample

    @classmethod
    def adopt(
        cls,
        module: nn.Linear,
        p: float | Tensor = 0.5,
        *,
        drop_bias: bool = True,
        per_sample: bool = False,
        inference: str = "mean",
        samples: int = 100,
        activation: Activation | None = None,
    ) -> Self:
        """A layer in the place of ``module``, with its very parameters.

        Raises:
            UserError: the module is not a ``torch.nn.Linear``.

        >>> DropConnectLinear.adopt(nn.Linear(3, 2), 0.2).p
        0.2
        """
        new = taken_over(cls, module, nn.Linear)
        new.equip(p, drop_bias, inference, samples, activation)
        new.per_sample = per_sample
        return new

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(*, I)`` to ``(*, O)``."""
        check_input(input, "DropConnectLinear")
        if not self.training:
            return self._inferred(input)
        options: Any = {"drop_bias": self.drop_bias, "per_sample": self.per_sample, "key": self._key(input)}
        return self._activated(drop_connect(input, self.weight, self.bias, self._current_rate(), **options))

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        return nn.functional.linear(input, weight, bias)

    def extra_repr(self) -> str:
        """Rate, sizes and options."""
        sizes = f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
        own = ", per_sample=True" if self.per_sample else ""
        return f"{DropLayer.extra_repr(self)}, {sizes}, {self._options()}{own}"


class DropConnectConv2d(_DropConnect, nn.Conv2d):
    """``torch.nn.Conv2d`` with its weights dropped one by one in training. Same parameters, same ``state_dict`` keys.

    See ``droplab.functional.drop_connect2d``; one mask for the batch and all places. Eval mode as for
    ``DropConnectLinear``.

    Args:
        in_channels: as for ``torch.nn.Conv2d``, like all that is not named here.
        out_channels: see there.
        kernel_size: see there.
        p: drop rate in [0, 1].
        drop_bias: drop biases too, as in the paper.
        inference: ``"mean"`` or ``"gaussian"``.
        samples: how many draws the Gaussian inference takes for each unit.
        activation: what follows the layer in the paper; the identity where absent.
        **options: ``stride``, ``padding``, ``dilation``, ``groups``, ``bias``, ``padding_mode``, ``device``, ``dtype``.

    >>> DropConnectConv2d(3, 8, 3, p=0.5, padding=1)
    DropConnectConv2d(p=0.5, 3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), drop_bias=True, inference='mean')
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        p: float | Tensor = 0.5,
        drop_bias: bool = True,
        inference: str = "mean",
        samples: int = 100,
        activation: Activation | None = None,
        **options: Any,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.equip(p, drop_bias, inference, samples, activation)

    @classmethod
    def adopt(
        cls,
        module: nn.Conv2d,
        p: float | Tensor = 0.5,
        *,
        drop_bias: bool = True,
        inference: str = "mean",
        samples: int = 100,
        activation: Activation | None = None,
    ) -> Self:
        """A layer in the place of ``module``, with its very parameters.

        Raises:
            UserError: the module is not a ``torch.nn.Conv2d``.

        >>> DropConnectConv2d.adopt(nn.Conv2d(3, 8, 3), 0.2).p
        0.2
        """
        new = taken_over(cls, module, nn.Conv2d)
        new.equip(p, drop_bias, inference, samples, activation)
        return new

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, C, H, W)`` to ``(N, O, H', W')``, or without ``N``."""
        check_images(input, "DropConnectConv2d")
        if input.ndim == 3:
            return self.forward(input[None])[0]
        if not self.training:
            return self._inferred(input)
        weight, bias = dropped(
            self.weight, self.bias, self._current_rate(), drop_bias=self.drop_bias, key=self._key(input)
        )
        return self._activated(self._linear(input, weight, bias))

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        convolved: Tensor = self._conv_forward(input, weight, bias)
        return convolved

    def extra_repr(self) -> str:
        """Rate, sizes and options."""
        twin: Any = nn.Conv2d
        return f"{DropLayer.extra_repr(self)}, {twin.extra_repr(self)}, {self._options()}"
