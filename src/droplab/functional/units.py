"""Units dropped for a whole batch, so that multiplications leave them out: dropout that makes a step faster."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab import rng
from droplab.errors import RankError, UserError
from droplab.functional.checking import check_input, check_rate
from droplab.functional.internals import dual_level, transforms_active
from droplab.functional.key import Key
from droplab.functional.masked import drop, is_plain
from droplab.functional.noise import uniform
from droplab.functional.taken import Places, take

Activation = Callable[[Tensor], Tensor]


class Kept(NamedTuple):
    """Units of one layer that are kept, and what they are multiplied by."""

    units: Tensor
    """Ascending, int64 ``(k,)``."""
    scale: float


def unit_dropout_linear(
    input: Tensor,  # noqa: A002  # torch's name
    weight: Tensor,
    bias: Tensor | None = None,
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    exact_count: bool = False,
    key: Key | None = None,
) -> Tensor:
    """``linear`` of an input whose units are dropped for the whole batch; only kept ones are multiplied.

    ``y = (x m / (1 - p)) Wᵀ + b`` with one ``m`` of shape ``(in,)``, 0 with probability ``p``: columns of ``W`` whose
    unit is dropped are not read, and their gradient is zero. The result is that of multiplying by the mask, up to the
    order of sums. Graham, Reizenstein and Robinson, *Efficient batchwise dropout training using submatrices*,
    arXiv:1502.02478, 2015. Deviation: scaled in training.

    In graphs of ``torch.compile``, under ``torch.func``'s transforms and forward-mode differentiation, where shapes
    may not depend on draws, the mask is multiplied: the same result without the gain. On a GPU the number of kept
    units is waited for once a call.

    Args:
        input: ``(*, in)``.
        weight: ``(out, in)``.
        bias: ``(out,)``.
        p: drop rate in [0, 1].
        training: where false, plain ``linear``.
        exact_count: keep exactly ``k`` units, ``k = (1 - p) in`` rounded (at least 1 unless ``p`` is 1), drawn without
            replacement and scaled by ``in / k``: each unit's mean is exact, the rate is ``1 - k / in``, and shapes do
            not change from step to step. Else each unit is drawn alone.
        key: names the mask, which no sample has a part in; a seed from torch's default generator where absent.

    Returns:
        ``(*, out)``.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.
        RankError: an input without dimensions.

    >>> x, weight, key = torch.ones(2, 6), torch.eye(6), Key(seed=0, layer=3)
    >>> unit_dropout_linear(x, weight, p=0.5, key=key)
    tensor([[0., 0., 0., 0., 2., 2.],
            [0., 0., 0., 0., 2., 2.]])
    """
    check_rate(p)
    check_input(input, "unit_dropout_linear")
    if input.ndim == 0:
        raise RankError("unit_dropout_linear got 0 dimensions; at least one, (*, in), is wanted")
    if not training or _is_zero(p):
        return F.linear(input, weight, bias)
    units = input.shape[-1]
    if not _may_skip(input, weight):
        return F.linear(input * unit_mask(units, input, p, exact_count, key), weight, bias)
    index, scale = kept_units([units], input, p, exact_count, key)[0]
    part = take(input, ((input.ndim - 1, index),)) * scale
    return F.linear(part, take(weight, ((1, index),)), bias)


def unit_dropout_conv2d(
    input: Tensor,  # noqa: A002  # torch's name
    weight: Tensor,
    bias: Tensor | None = None,
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    stride: int | tuple[int, ...] = 1,
    padding: int | str | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    exact_count: bool = False,
    key: Key | None = None,
) -> Tensor:
    """``conv2d`` of an input whose channels are dropped for the whole batch; only kept ones are convolved.

    ``y = (x m / (1 - p)) ∗ W + b`` with one ``m`` of shape ``(C,)``. Paper, deviation, graphs and ``exact_count`` as
    for ``unit_dropout_linear``. There is one group of channels.

    Args:
        input: ``(N, C, H, W)``, or ``(C, H, W)``.
        weight: ``(out, C, kernel, kernel)``.
        bias: ``(out,)``.
        p: drop rate in [0, 1].
        training: where false, plain ``conv2d``.
        stride: as for ``conv2d``.
        padding: as for ``conv2d``.
        dilation: as for ``conv2d``.
        exact_count: keep a fixed number of channels.
        key: names the mask.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.
        RankError: neither three nor four dimensions.

    >>> x, weight = torch.ones(1, 6, 1, 1), torch.ones(1, 6, 1, 1)
    >>> unit_dropout_conv2d(x, weight, p=0.5, key=Key(seed=0, layer=3)).item()
    4.0
    """
    check_rate(p)
    check_input(input, "unit_dropout_conv2d")
    if input.ndim not in {3, 4}:
        raise RankError(f"unit_dropout_conv2d got {input.ndim} dimensions; (N, C, H, W) or (C, H, W) is wanted")
    if not training or _is_zero(p):
        return F.conv2d(input, weight, bias, stride, padding, dilation)
    channels = input.shape[-3]
    if not _may_skip(input, weight):
        mask = unit_mask(channels, input, p, exact_count, key)[:, None, None]
        return F.conv2d(input * mask, weight, bias, stride, padding, dilation)
    index, scale = kept_units([channels], input, p, exact_count, key)[0]
    if not len(index):  # torch takes no convolution without channels
        index, scale = torch.zeros(1, dtype=torch.int64, device=input.device), 0.0
    part = take(input, ((input.ndim - 3, index),))
    return F.conv2d(part, take(weight, ((1, index),)) * scale, bias, stride, padding, dilation)


def unit_dropout_mlp(
    input: Tensor,  # noqa: A002  # torch's name
    weights: Sequence[Tensor],
    biases: Sequence[Tensor | None],
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    activation: Activation | Sequence[Activation] = F.relu,
    exact_count: bool = False,
    key: Key | None = None,
) -> Tensor:
    """Linear layers with an activation between any two, whose hidden units are dropped for the whole batch.

    ``hᵢ = (mᵢ / (1 - p)) a(hᵢ₋₁ Wᵢᵀ + bᵢ)``, the last layer without activation and mask. What is dropped is used on
    both sides: neither the rows of ``Wᵢ`` that would compute a dropped unit nor the columns of ``Wᵢ₊₁`` that would
    read it are multiplied, so that a product between two hidden layers takes ``(1 - p)²`` of the work. Paper,
    deviation, graphs and ``exact_count`` as for ``unit_dropout_linear``.

    Args:
        input: ``(*, in)``; its units are not dropped.
        weights: ``(H₁, in)``, ``(H₂, H₁)``, ..., ``(out, H)``.
        biases: one for each weight, or ``None``.
        p: drop rate of hidden units in [0, 1].
        training: where false, nothing is dropped.
        activation: of single elements; one for all hidden layers, or one for each.
        exact_count: keep a fixed number of units of each layer.
        key: names the masks, which are one draw over all hidden units in order.

    Returns:
        ``(*, out)``.

    Raises:
        UserError: ``p`` outside [0, 1], another number of biases or activations than belongs to the weights, or an
            input that is not floating point.
        RankError: an input without dimensions.

    >>> x, weights = torch.ones(1, 2), [torch.ones(4, 2), torch.ones(6, 4), torch.ones(1, 6)]
    >>> unit_dropout_mlp(x, weights, [None] * 3, p=0.5, exact_count=True)  # of 4 units 2, of 6 units 3
    tensor([[48.]])
    """
    check_rate(p)
    check_input(input, "unit_dropout_mlp")
    if input.ndim == 0:
        raise RankError("unit_dropout_mlp got 0 dimensions; at least one, (*, in), is wanted")
    between = [activation] * (len(weights) - 1) if callable(activation) else list(activation)
    if len(biases) != len(weights) or len(between) != len(weights) - 1:
        raise UserError(
            f"unit_dropout_mlp got {len(weights)} weights, {len(biases)} biases and {len(between)} activations; one "
            "bias (or None) for each weight and one activation for each weight but the last are wanted"
        )
    sizes = [weight.shape[0] for weight in weights[:-1]]
    layers = list(zip(weights, biases, [*between, None], strict=True))
    if not training or _is_zero(p) or not sizes:
        return _masked_layers(input, layers, [None] * len(layers))
    if not _may_skip(input, *weights):
        whole = unit_mask(sum(sizes), input, p, exact_count, key, sizes)
        return _masked_layers(input, layers, [*torch.split(whole, sizes), None])
    return _kept_layers(input, layers, [*kept_units(sizes, input, p, exact_count, key), None])


_Layer = tuple[Tensor, Tensor | None, Activation | None]


def _masked_layers(x: Tensor, layers: list[_Layer], masks: Sequence[Tensor | None]) -> Tensor:
    for (weight, bias, act), mask in zip(layers, masks, strict=True):
        x = F.linear(x, weight, bias)
        x = x if act is None else act(x)
        x = x if mask is None else x * mask
    return x


def _kept_layers(x: Tensor, layers: list[_Layer], kept: Sequence[Kept | None]) -> Tensor:
    """``x`` holds kept units only, from the first layer's output on."""
    columns: Places = ()
    for (weight, bias, act), layer in zip(layers, kept, strict=True):
        rows: Places = () if layer is None else ((0, layer.units),)
        x = F.linear(x, take(weight, rows + columns), None if bias is None else take(bias, rows))
        if act is not None and layer is not None:
            x = act(x) * layer.scale
            columns = ((1, layer.units),)
    return x


def kept_units(
    sizes: Sequence[int], like: Tensor, p: float | Tensor, exact_count: bool = False, key: Key | None = None
) -> list[Kept]:
    """Which units of layers of some sizes are kept: one draw over all, in order.

    >>> layers = kept_units([4, 6], torch.ones(1), 0.5, exact_count=True, key=Key(seed=0, layer=1))
    >>> [(len(kept.units), kept.scale) for kept in layers]
    [(2, 2.0), (3, 2.0)]
    """
    rate = float(p)
    edges = list(pairwise([0, *accumulate(sizes)]))
    if exact_count:
        numbers = _numbers(sum(sizes), like, key)
        counts = [keep_count(rate, size) for size in sizes]
        orders = [numbers[start:stop].argsort(stable=True) for start, stop in edges]
        found = [order[:count].sort().values for order, count in zip(orders, counts, strict=True)]
        scales = [size / count if count else 0.0 for size, count in zip(sizes, counts, strict=True)]
        return [Kept(index, scale) for index, scale in zip(found, scales, strict=True)]
    drawn = _drawn(sum(sizes), like, rate, key)
    scale = rng.keep_scale(rng.threshold(rate))
    return [Kept(drawn[start:stop].nonzero().squeeze(1), scale) for start, stop in edges]


def unit_mask(
    units: int,
    like: Tensor,
    p: float | Tensor,
    exact_count: bool = False,
    key: Key | None = None,
    sizes: Sequence[int] = (),
) -> Tensor:
    """The same units as a mask ``(units,)`` to multiply by, in the dtype of ``like``; in graphs too.

    >>> unit_mask(6, torch.ones(1), 0.5, key=Key(seed=0, layer=3))
    tensor([0., 0., 0., 0., 2., 2.])
    """
    if not exact_count:
        return _drawn(units, like, p, key)
    numbers = _numbers(units, like, key)
    masks = []
    for part in torch.split(numbers, list(sizes) or [units]):
        count, size = _count(p, len(part), like.device), len(part)
        order = part.argsort(stable=True).argsort()  # the rank of each unit
        masks.append(torch.where(order < count, size / count.clamp(min=1), 0.0))
    return torch.cat(masks).to(like.dtype)


def keep_count(p: float, units: int) -> int:
    """How many of some units are kept where the number is fixed.

    >>> keep_count(0.5, 7), keep_count(0.99, 10), keep_count(1.0, 10)
    (4, 1, 0)
    """
    return 0 if p >= 1 else max(math.floor((1 - p) * units + 0.5), min(units, 1))


def _count(p: float | Tensor, units: int, device: torch.device) -> Tensor:
    """``keep_count`` for graphs, as a tensor."""
    rate = torch.as_tensor(p, dtype=torch.float64, device=device)
    return torch.where(rate >= 1, 0.0, ((1 - rate) * units + 0.5).floor().clamp(min=min(units, 1)))


def _numbers(units: int, like: Tensor, key: Key | None) -> Tensor:
    """32 bits for each unit as float64, in which they differ."""
    wide = like.new_empty(0, dtype=torch.float64)
    return uniform(wide, key=_unsampled(key), shape=(units,))


def _drawn(units: int, like: Tensor, p: float | Tensor, key: Key | None) -> Tensor:
    return drop(like.new_ones(units), p, key=_unsampled(key))


def _unsampled(key: Key | None) -> Key | None:
    return None if key is None else Key(key.seed, key.layer, key.step, 0, None)


def _is_zero(p: float | Tensor) -> bool:
    return not isinstance(p, Tensor) and p == 0


def _may_skip(*tensors: Tensor) -> bool:
    """Whether shapes may depend on draws."""
    if torch.compiler.is_compiling() or transforms_active() or dual_level():
        return False
    return all(is_plain(tensor) and not tensor.is_meta for tensor in tensors)
