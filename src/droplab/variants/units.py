"""Units dropped for a whole batch, so that multiplications leave them out: dropout that makes a step faster."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.errors import RankError, UserError
from droplab.layers.adopting import Adopting
from droplab.masks.checking import check_images, check_input, check_rate, is_zero
from droplab.masks.kept import kept_units, may_skip, unit_mask
from droplab.masks.key import Key
from droplab.masks.taken import take
from droplab.variants.kind import IN_TRAINING, Kind

__all__ = ["UnitDropoutConv2d", "UnitDropoutLinear", "unit_dropout_conv2d", "unit_dropout_linear"]


def unit_dropout_linear(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, p: float | Tensor = 0.5, training: bool = True, *,
    exact_count: bool = False, key: Key | None = None,
) -> Tensor:  # fmt: skip
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
    if not training or is_zero(p):
        return F.linear(input, weight, bias)
    units = input.shape[-1]
    if not may_skip(input, weight):
        return F.linear(input * unit_mask(units, input, p, exact_count, key), weight, bias)
    index, scale = kept_units([units], input, p, exact_count, key)[0]
    part = take(input, ((input.ndim - 1, index),)) * scale
    return F.linear(part, take(weight, ((1, index),)), bias)


def unit_dropout_conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, p: float | Tensor = 0.5, training: bool = True, *,
    stride: int | tuple[int, ...] = 1, padding: int | str | tuple[int, ...] = 0, dilation: int | tuple[int, ...] = 1,
    exact_count: bool = False, key: Key | None = None,
) -> Tensor:  # fmt: skip
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
    check_images(input, "unit_dropout_conv2d")
    if not training or is_zero(p):
        return F.conv2d(input, weight, bias, stride, padding, dilation)
    channels = input.shape[-3]
    if not may_skip(input, weight):
        mask = unit_mask(channels, input, p, exact_count, key)[:, None, None]
        return F.conv2d(input * mask, weight, bias, stride, padding, dilation)
    index, scale = kept_units([channels], input, p, exact_count, key)[0]
    if not len(index):  # torch takes no convolution without channels
        index, scale = torch.zeros(1, dtype=torch.int64, device=input.device), 0.0
    part = take(input, ((input.ndim - 3, index),))
    return F.conv2d(part, take(weight, ((1, index),)) * scale, bias, stride, padding, dilation)


class UnitDropout(Adopting):
    """Base of layers that leave units out for a whole batch; a fixed number of them, or each with the rate."""

    batch_dim = None
    exact_count: bool

    def equip(self, p: float | Tensor = 0.5, *, exact_count: bool = False) -> None:
        """The rate, and whether a fixed number of units is kept."""
        self.p, self.exact_count = p, exact_count

    def extra_repr(self) -> str:
        """Rate, sizes and, where it is so, the fixed number."""
        return f"{super().extra_repr()}{', exact_count=True' if self.exact_count else ''}"


class UnitDropoutLinear(UnitDropout, nn.Linear):
    """``Linear`` that drops its input's units for the whole batch in training and multiplies the kept ones only.

    In eval the plain layer. ``state_dict`` keys are those of ``nn.Linear``. See
    ``droplab.functional.unit_dropout_linear``.

    Args:
        in_features, out_features, bias, device, dtype: as for ``torch.nn.Linear``.
        p: drop rate in [0, 1].
        exact_count: keep a fixed number of units.

    >>> UnitDropoutLinear.adopt(nn.Linear(8, 4), 0.2)
    UnitDropoutLinear(p=0.2, in_features=8, out_features=4, bias=True)
    """

    twin = nn.Linear

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, p: float | Tensor = 0.5, *,
        exact_count: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(in_features, out_features, bias, device, dtype)
        self.equip(p, exact_count=exact_count)

    def forward(self, input: Tensor) -> Tensor:
        """``(*, in)`` to ``(*, out)``."""
        if not self.training:
            return F.linear(input, self.weight, self.bias)
        rate, key = self._rated(input)
        return unit_dropout_linear(input, self.weight, self.bias, rate, exact_count=self.exact_count, key=key)


class UnitDropoutConv2d(UnitDropout, nn.Conv2d):
    """``Conv2d`` that drops its input's channels for the whole batch in training and convolves the kept ones only.

    In eval the plain layer. ``state_dict`` keys are those of ``nn.Conv2d``. See
    ``droplab.functional.unit_dropout_conv2d``.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, bias, padding_mode, device, dtype: as for
            ``torch.nn.Conv2d``.
        p: drop rate in [0, 1].
        exact_count: keep a fixed number of channels.

    >>> UnitDropoutConv2d.adopt(nn.Conv2d(8, 4, 3), 0.2)
    UnitDropoutConv2d(p=0.2, 8, 4, kernel_size=(3, 3), stride=(1, 1))
    """

    twin = nn.Conv2d

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1, padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1, bias: bool = True,
        padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros", p: float | Tensor = 0.5, *,
        exact_count: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 1, bias, padding_mode, device, dtype
        )
        self.equip(p, exact_count=exact_count)

    def equip(self, p: float | Tensor = 0.5, *, exact_count: bool = False) -> None:
        """The rate, and whether a fixed number of channels is kept; of one group."""
        super().equip(p, exact_count=exact_count)
        if self.groups != 1:
            raise UserError(
                f"UnitDropoutConv2d.adopt got a Conv2d of {self.groups} groups; dropped channels would leave groups "
                "of different sizes. One group is wanted; droplab.nn.Dropout2d before the layer drops its channels"
            )

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, out, H', W')``; ``(C, H, W)`` too."""
        if not self.training:
            plain: Tensor = self._conv_forward(input, self.weight, self.bias)
            return plain
        rate, key = self._rated(input)
        padding: int | str | tuple[int, ...] = self.padding
        if self.padding_mode != "zeros" and input.ndim in {3, 4}:
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = 0
        return unit_dropout_conv2d(
            input, self.weight, self.bias, rate, stride=self.stride, padding=padding, dilation=self.dilation,
            exact_count=self.exact_count, key=key,
        )  # fmt: skip


GRAHAM = (
    "Graham, Reizenstein and Robinson, Efficient batchwise dropout training using submatrices, arXiv:1502.02478, 2015"
)
_PLAIN = "the layer without dropout"
DEVIATIONS = "with exact_count a fixed number of units is kept, without replacement; " + IN_TRAINING
KINDS = (
    Kind(
        "unit_dropout_linear", UnitDropoutLinear, GRAHAM,
        "y = (x m / (1 - p)) Wᵀ + b, m = 0 with probability p, else 1; columns of W with m = 0 are not multiplied",
        "an input unit of the whole batch", eval_law=_PLAIN, has_parameters=True,
        example="droplab.nn.UnitDropoutLinear(24, 6, p=0.5)", deviations=DEVIATIONS,
    ),
    Kind(
        "unit_dropout_conv2d", UnitDropoutConv2d, GRAHAM,
        "y = (x m / (1 - p)) ∗ W + b, m = 0 with probability p, else 1; channels with m = 0 are not convolved",
        "an input channel of the whole batch", eval_law=_PLAIN, has_parameters=True,
        example="droplab.nn.UnitDropoutConv2d(8, 4, 3, p=0.5)", deviations=DEVIATIONS,
        site="conv2",
    ),
)  # fmt: skip
