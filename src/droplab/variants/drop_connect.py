"""DropConnect: weights of linear and convolution layers dropped one by one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.errors import RankError
from droplab.masks.checking import check_images, check_input, check_rate
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.masks.streams import stream, whole
from droplab.variants.drop_connect_inference import LIMITS, Activation, DropConnect, drop_connect_inference
from droplab.variants.kind import IN_TRAINING, Kind

__all__ = ["DropConnectConv2d", "DropConnectLinear", "drop_connect", "drop_connect2d", "drop_connect_inference"]


def drop_connect(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, p: float | Tensor = 0.5, training: bool = True, *,
    drop_bias: bool = True, per_sample: bool = False, key: Key | None = None,
) -> Tensor:  # fmt: skip
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
    input: Tensor, weight: Tensor, bias: Tensor | None = None, p: float | Tensor = 0.5, training: bool = True, *,
    stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] | str = 0, dilation: int | tuple[int, int] = 1,
    groups: int = 1, drop_bias: bool = True, key: Key | None = None,
) -> Tensor:  # fmt: skip
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
        stride: as for ``torch.nn.functional.conv2d``.
        padding: as there.
        dilation: as there.
        groups: as there.
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
    check_images(input, "drop_connect2d")
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


class DropConnectLinear(DropConnect, nn.Linear):
    """``torch.nn.Linear`` with its weights dropped one by one in training. Same parameters, same ``state_dict`` keys.

    See ``droplab.functional.drop_connect``. In eval mode the mean weights, ``a(W x + b)``, or the paper's inference,
    ``droplab.functional.drop_connect_inference``, which draws, under ``droplab.keyed`` by key.

    Args:
        in_features, out_features, bias, device, dtype: as for ``torch.nn.Linear``.
        p: drop rate in [0, 1].
        drop_bias: drop biases too, as in the paper.
        per_sample: a mask for each sample, as in the paper, where one for the batch is the default; takes as many
            copies of the weights as there are samples.
        inference: ``"mean"`` or ``"gaussian"``.
        samples: how many draws the Gaussian inference takes for each unit.
        activation: what follows the layer in the paper, ``a``; the identity where absent. Only where it is known here
            can inference average activations.

    >>> DropConnectLinear.adopt(nn.Linear(3, 2), 0.5)
    DropConnectLinear(p=0.5, in_features=3, out_features=2, bias=True, drop_bias=True, inference='mean')
    """

    twin = nn.Linear

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, p: float | Tensor = 0.5,
        drop_bias: bool = True, per_sample: bool = False, inference: str = "mean", samples: int = 100,
        activation: Activation | None = None, device: Any = None, dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_features, out_features, bias, device, dtype)
        options: Any = {"drop_bias": drop_bias, "inference": inference, "samples": samples, "activation": activation}
        self.equip(p, per_sample=per_sample, **options)

    def equip(
        self, p: float | Tensor = 0.5, *, drop_bias: bool = True, per_sample: bool = False, inference: str = "mean",
        samples: int = 100, activation: Activation | None = None,
    ) -> None:  # fmt: skip
        """The rate, what has it, and inference."""
        super().equip(p, drop_bias=drop_bias, inference=inference, samples=samples, activation=activation)
        self.per_sample = per_sample

    def forward(self, input: Tensor) -> Tensor:
        """``(*, I)`` to ``(*, O)``."""
        check_input(input, "DropConnectLinear")
        if not self.training:
            return self._inferred(input)
        rate, key = self._rated(input)
        options: Any = {"drop_bias": self.drop_bias, "per_sample": self.per_sample, "key": key}
        return self._activated(drop_connect(input, self.weight, self.bias, rate, **options))

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return nn.functional.linear(input, weight, bias)

    def extra_repr(self) -> str:
        """Rate, sizes and options."""
        return f"{super().extra_repr()}{', per_sample=True' if self.per_sample else ''}"


class DropConnectConv2d(DropConnect, nn.Conv2d):
    """``torch.nn.Conv2d`` with its weights dropped one by one in training. Same parameters, same ``state_dict`` keys.

    See ``droplab.functional.drop_connect2d``; one mask for the batch and all places. Eval mode as for
    ``DropConnectLinear``.

    Args:
        in_channels, out_channels, kernel_size: as for ``torch.nn.Conv2d``.
        p: drop rate in [0, 1].
        drop_bias: drop biases too, as in the paper.
        inference: ``"mean"`` or ``"gaussian"``.
        samples: how many draws the Gaussian inference takes for each unit.
        activation: what follows the layer in the paper; the identity where absent.
        **options: ``stride``, ``padding``, ``dilation``, ``groups``, ``bias``, ``padding_mode``, ``device``, ``dtype``.

    >>> DropConnectConv2d.adopt(nn.Conv2d(3, 8, 3, padding=1), 0.5)
    DropConnectConv2d(p=0.5, 3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), drop_bias=True, inference='mean')
    """

    twin = nn.Conv2d

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int | tuple[int, int], *, p: float | Tensor = 0.5,
        drop_bias: bool = True, inference: str = "mean", samples: int = 100, activation: Activation | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.equip(p, drop_bias=drop_bias, inference=inference, samples=samples, activation=activation)

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, O, H', W')``, or without ``N``."""
        check_images(input, "DropConnectConv2d")
        if input.ndim == 3:
            return self.forward(input[None])[0]
        if not self.training:
            return self._inferred(input)
        rate, key = self._rated(input)
        weight, bias = dropped(self.weight, self.bias, rate, drop_bias=self.drop_bias, key=key)
        return self._activated(self._linear(input, weight, bias))

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        convolved: Tensor = self._conv_forward(input, weight, bias)
        return convolved


_WAN = "Wan et al., Regularization of neural networks using DropConnect, ICML 2013"
_CONNECTED = "y = ((m W) x + m' b) / (1 - p), m and m' 0 with probability p, else 1"
KINDS = (
    Kind(
        "drop_connect_linear", DropConnectLinear, _WAN, _CONNECTED,
        "a weight for all samples (or, with per_sample, one)",
        eval_law="the mean weights; optionally draws from a normal of the same moments, as in the paper",
        has_parameters=True, limits=LIMITS, example="droplab.nn.DropConnectLinear(24, 8, p=0.5)",
        deviations="one mask for the batch unless per_sample; mean inference unless 'gaussian'; " + IN_TRAINING,
    ),
    Kind(
        "drop_connect_conv2d", DropConnectConv2d, _WAN, _CONNECTED, "a weight for all samples and places",
        eval_law="the mean weights; optionally draws from a normal of the same moments", has_parameters=True,
        limits=LIMITS, example="droplab.nn.DropConnectConv2d(3, 4, 3, p=0.5, padding=1)",
        deviations="convolutions, which the paper does not have; one mask for the batch; " + IN_TRAINING,
        site="conv2",
    ),
)  # fmt: skip
