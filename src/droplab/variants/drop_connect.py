"""DropConnect: weights of linear and convolution layers dropped one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.errors import RankError, UserError
from droplab.layers.adopting import taken_over
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_input, check_rate, is_zero
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.masks.noise import normal, uncast, widened
from droplab.masks.streams import stream, whole
from droplab.variants.concrete import check_images
from droplab.variants.kind import IN_TRAINING, Kind
from droplab.variants.options import Count, Function, OneOf

__all__ = ["DropConnectConv2d", "DropConnectLinear", "drop_connect", "drop_connect2d", "drop_connect_inference"]

_INFERENCE = OneOf("inference", ("mean", "gaussian"))
_SAMPLES = Count("samples")
_ACTIVATION = Function("activation", "torch.relu")


def drop_connect(
    input: Tensor,  # noqa: A002  # torch's name
    weight: Tensor,
    bias: Tensor | None = None,
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    drop_bias: bool = True,
    per_sample: bool = False,
    key: Key | None = None,
) -> Tensor:
    """A linear layer whose weights, and biases, are dropped one by one.

    ``y = (m ∘ W / (1 - p)) x + m' ∘ b / (1 - p)``. Wan et al., *Regularization of neural networks using DropConnect*,
    ICML 2013. Deviations: scaled in training, not at test time; one mask for the batch, where the paper draws one for
    each sample, unless ``per_sample``, which makes as many copies of the weights as there are samples.

    Args:
        input: ``(*, I)``; ``(N, *, I)`` where ``per_sample``.
        weight: ``(O, I)``.
        bias: ``(O)``.
        p: drop rate in [0, 1].
        training: where false, nothing is dropped.
        drop_bias: drop biases too, as in the paper.
        per_sample: draw a mask for each sample.
        key: names the mask; its samples are used where ``per_sample``, and are those of dimension 0.

    Returns:
        ``(*, O)``.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.
        RankError: one dimension where ``per_sample``.

    >>> import torch
    >>> drop_connect(torch.ones(2, 3), torch.ones(2, 3), p=0.5, key=Key(seed=0, layer=1))
    tensor([[0., 4.],
            [0., 4.]])
    """
    check_rate(p)
    check_input(input, "drop_connect")
    if per_sample and input.ndim < 2:
        raise RankError(f"drop_connect got {input.ndim} dimensions; with per_sample at least 2, (N, *, I), are wanted")
    if not training:
        return F.linear(input, weight, bias)
    if not per_sample:
        return F.linear(input, *dropped(weight, bias, p, drop_bias=drop_bias, key=key))
    samples = input.shape[0]
    rows = input.flatten(1, -2) if input.ndim > 2 else input[:, None]
    result = rows @ drop(weight.expand(samples, *weight.shape), p, key=key).mT
    if bias is not None:
        own = bias.expand(samples, *bias.shape)
        own = drop(own, p, key=stream(key, 1)) if drop_bias else own
        result = result + own[:, None].to(result.dtype)  # under autocast the product is of halves
    return result.reshape(*input.shape[:-1], weight.shape[0])


def drop_connect2d(
    input: Tensor,  # noqa: A002  # torch's name
    weight: Tensor,
    bias: Tensor | None = None,
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] | str = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    drop_bias: bool = True,
    key: Key | None = None,
) -> Tensor:
    """A convolution whose weights, and biases, are dropped one by one; one mask for the batch and for all places.

    ``y = conv(x, m ∘ W / (1 - p)) + m' ∘ b / (1 - p)``. Wan et al., *Regularization of neural networks using
    DropConnect*, ICML 2013. Deviations: the paper has fully connected layers only; scaled in training; one mask for
    the batch.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        weight: ``(O, C / groups, h, w)``.
        bias: ``(O)``.
        p: drop rate in [0, 1].
        training: where false, nothing is dropped.
        stride: as for ``torch.nn.functional.conv2d``, like ``padding``, ``dilation`` and ``groups``.
        padding: see there.
        dilation: see there.
        groups: see there.
        drop_bias: drop biases too, as in the paper.
        key: names the mask; its samples are not used.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.
        RankError: neither three nor four dimensions.

    >>> import torch
    >>> drop_connect2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2), p=0.5, key=Key(seed=0, layer=1))
    tensor([[[[2., 2.],
              [2., 2.]]]])
    """
    check_rate(p)
    check_input(input, "drop_connect2d")
    if input.ndim not in {3, 4}:
        raise RankError(f"drop_connect2d got {input.ndim} dimensions; (N, C, H, W) or (C, H, W) is wanted")
    if training:
        weight, bias = dropped(weight, bias, p, drop_bias=drop_bias, key=key)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


def dropped(
    weight: Tensor, bias: Tensor | None, p: float | Tensor, *, drop_bias: bool = True, key: Key | None = None
) -> tuple[Tensor, Tensor | None]:
    """A layer's weight and bias, each under a mask of its own.

    >>> import torch
    >>> dropped(torch.ones(2, 2), torch.ones(4), 0.5, key=Key(seed=0, layer=1))[1]
    tensor([0., 0., 0., 2.])
    """
    masked = drop(weight, p, key=whole(key))
    return masked, drop(bias, p, key=whole(key, 1)) if drop_bias and bias is not None else bias


def drop_connect_inference(
    mean: Tensor,
    variance: Tensor,
    *,
    samples: int = 100,
    activation: Callable[[Tensor], Tensor] | None = None,
    key: Key | None = None,
) -> Tensor:
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


Activation = Callable[[Tensor], Tensor]


class _DropConnect(DropLayer):
    """What the two have in common: the options, and inference."""

    weight: Any
    bias: Any
    activation: Activation | None

    def equip(self, p: float | Tensor, drop_bias: bool, inference: str, samples: int, activation: Any) -> None:
        """Set what the layer has beside its torch twin."""
        name = type(self).__name__
        _INFERENCE.check(inference, name)
        _SAMPLES.check(samples, name)
        if activation is not None:
            _ACTIVATION.check(activation, name)
        self.p, self.drop_bias, self.inference, self.samples, self.activation = (
            p, drop_bias, inference, samples, activation,
        )  # fmt: skip

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        raise NotImplementedError

    def _inferred(self, input: Tensor) -> Tensor:  # noqa: A002
        """The output in eval mode."""
        mean = self._linear(input, self.weight, self.bias)
        p = self._current_rate()
        if self.inference == "mean" or is_zero(p):
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


_WAN = "Wan et al., Regularization of neural networks using DropConnect, ICML 2013"
_CONNECTED = "y = ((m W) x + m' b) / (1 - p), m and m' 0 with probability p, else 1"
KINDS = (
    Kind(
        "drop_connect_linear",
        DropConnectLinear,
        _WAN,
        _CONNECTED,
        "a weight for all samples (or, with per_sample, one)",
        eval_law="the mean weights; optionally draws from a normal of the same moments, as in the paper",
        has_parameters=True,
        adopts=(nn.Linear,),
        limits=(_INFERENCE, _SAMPLES, _ACTIVATION),
        example="droplab.nn.DropConnectLinear(24, 8, p=0.5)",
        deviations="one mask for the batch unless per_sample; mean inference unless 'gaussian'; " + IN_TRAINING,
    ),
    Kind(
        "drop_connect_conv2d",
        DropConnectConv2d,
        _WAN,
        _CONNECTED,
        "a weight for all samples and places",
        eval_law="the mean weights; optionally draws from a normal of the same moments",
        has_parameters=True,
        adopts=(nn.Conv2d,),
        limits=(_INFERENCE, _SAMPLES, _ACTIVATION),
        example="droplab.nn.DropConnectConv2d(3, 4, 3, p=0.5, padding=1)",
        deviations="convolutions, which the paper does not have; one mask for the batch; " + IN_TRAINING,
    ),
)
