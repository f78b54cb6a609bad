"""Dropout of weights: one connection at a time instead of one unit at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab.errors import RankError, UserError
from droplab.functional.checking import check_input, check_rate
from droplab.functional.key import Key
from droplab.functional.masked import drop
from droplab.functional.noise import normal, widened
from droplab.functional.streams import stream, whole


def weight_drop(
    weight: Tensor,
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    key: Key | None = None,
) -> Tensor:
    """Drop single weights: one mask for all samples and, where the result is used at all time steps, for those.

    ``w'[i, j] = m[i, j] w[i, j] / (1 - p)``. Merity, Keskar and Socher, *Regularizing and optimizing LSTM language
    models*, ICLR 2018, who drop the hidden-to-hidden weights of an LSTM so. No deviations; like theirs, the mask is
    scaled in training.

    Args:
        weight: any shape.
        p: drop rate in [0, 1].
        training: where false, the weight itself is returned.
        key: names the mask; its samples are not used, so that shards of a batch agree.

    Raises:
        UserError: ``p`` outside [0, 1], or a weight that is not floating point.

    >>> import torch
    >>> weight_drop(torch.ones(2, 4), 0.5, key=Key(seed=0, layer=1))
    tensor([[0., 0., 0., 2.],
            [2., 0., 0., 0.]])
    """
    check_rate(p)
    check_input(weight, "weight_drop")
    return drop(weight, p, key=whole(key)) if training else weight


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
    if samples < 1:
        raise UserError(f"drop_connect_inference got samples={samples}; 1 or more are wanted")
    deviation = variance.clamp_min(torch.finfo(variance.dtype).tiny).sqrt()  # whose gradient is finite at 0
    total: Tensor | None = None
    for number in range(samples):
        drawn = (mean + deviation * normal(mean, key=key, stream=number + 1)).to(mean.dtype)
        active = drawn if activation is None else activation(drawn)
        total = widened(active) if total is None else total + active  # a sum of halves would overflow
    assert total is not None
    return (total / samples).to(mean.dtype)
