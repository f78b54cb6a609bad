"""Layers with weights that leave out what is dropped for the whole batch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal, Self

from torch import Tensor, nn
from torch.nn import functional as F

from droplab.errors import UserError
from droplab.functional.units import unit_dropout_conv2d, unit_dropout_linear, unit_dropout_mlp
from droplab.nn.adopting import taken_over
from droplab.nn.layer import DropLayer

ELEMENTWISE: tuple[type[nn.Module], ...] = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.LeakyReLU, nn.LogSigmoid,
    nn.Mish, nn.ReLU, nn.ReLU6, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh,
    nn.Tanhshrink, nn.Threshold, nn.Identity,
)  # fmt: skip
"""Modules that act on each element alone, so that units that are not there change nothing for the others."""


class _UnitDropout(DropLayer):
    """What the three have in common."""

    batch_dim = None
    exact_count: bool

    @classmethod
    def _taking_over(cls, module: nn.Module, kind: type[nn.Module], p: float | Tensor, exact_count: bool) -> Self:
        made = taken_over(cls, module, kind)
        made.p, made.exact_count = p, exact_count
        return made

    def _options(self) -> str:
        return ", exact_count=True" if self.exact_count else ""


class UnitDropoutLinear(_UnitDropout, nn.Linear):
    """``Linear`` that drops its input's units for the whole batch in training and multiplies the kept ones only.

    In eval the plain layer. ``state_dict`` keys are those of ``nn.Linear``. See
    ``droplab.functional.unit_dropout_linear``.

    Args:
        in_features: size of each input.
        out_features: size of each output.
        bias: whether there is one.
        p: drop rate in [0, 1].
        exact_count: keep a fixed number of units.
        device: of the parameters.
        dtype: of the parameters.

    >>> UnitDropoutLinear(8, 4, p=0.2)
    UnitDropoutLinear(p=0.2, in_features=8, out_features=4, bias=True)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        p: float | Tensor = 0.5,
        *,
        exact_count: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, device, dtype)
        self.p = p
        self.exact_count = exact_count

    @classmethod
    def adopt(cls, module: nn.Linear, p: float | Tensor = 0.5, *, exact_count: bool = False) -> Self:
        """A layer with the parameters of a ``Linear``.

        Raises:
            UserError: something else than a plain ``nn.Linear``.

        >>> linear = nn.Linear(8, 4)
        >>> UnitDropoutLinear.adopt(linear, 0.2).weight is linear.weight
        True
        """
        return cls._taking_over(module, nn.Linear, p, exact_count)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(*, in)`` to ``(*, out)``."""
        if not self.training:
            return F.linear(input, self.weight, self.bias)
        rate, key = self._current_rate(), self._key(input)
        return unit_dropout_linear(input, self.weight, self.bias, rate, exact_count=self.exact_count, key=key)

    def extra_repr(self) -> str:
        """Rate and sizes."""
        return f"{super().extra_repr()}, {nn.Linear.extra_repr(self)}{self._options()}"


class UnitDropoutConv2d(_UnitDropout, nn.Conv2d):
    """``Conv2d`` that drops its input's channels for the whole batch in training and convolves the kept ones only.

    In eval the plain layer. ``state_dict`` keys are those of ``nn.Conv2d``. See
    ``droplab.functional.unit_dropout_conv2d``.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: of the convolution.
        stride: of the convolution.
        padding: of the convolution.
        dilation: of the convolution.
        bias: whether there is one.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        p: drop rate in [0, 1].
        exact_count: keep a fixed number of channels.
        device: of the parameters.
        dtype: of the parameters.

    >>> UnitDropoutConv2d(8, 4, 3, p=0.2)
    UnitDropoutConv2d(p=0.2, 8, 4, kernel_size=(3, 3), stride=(1, 1))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        bias: bool = True,
        padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros",
        p: float | Tensor = 0.5,
        *,
        exact_count: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 1, bias, padding_mode, device, dtype
        )
        self.p = p
        self.exact_count = exact_count

    @classmethod
    def adopt(cls, module: nn.Conv2d, p: float | Tensor = 0.5, *, exact_count: bool = False) -> Self:
        """A layer with the parameters of a ``Conv2d``.

        Raises:
            UserError: something else than a plain ``nn.Conv2d``, or more than one group.

        >>> conv = nn.Conv2d(8, 4, 3)
        >>> UnitDropoutConv2d.adopt(conv, 0.2).weight is conv.weight
        True
        """
        made = cls._taking_over(module, nn.Conv2d, p, exact_count)
        if module.groups != 1:
            raise UserError(
                f"UnitDropoutConv2d.adopt got a Conv2d of {module.groups} groups; dropped channels would leave groups "
                "of different sizes. One group is wanted; droplab.nn.Dropout2d before the layer drops its channels"
            )
        return made

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, C, H, W)`` to ``(N, out, H', W')``; ``(C, H, W)`` too."""
        if not self.training:
            plain: Tensor = self._conv_forward(input, self.weight, self.bias)
            return plain
        rate, key = self._current_rate(), self._key(input)
        padding: int | str | tuple[int, ...] = self.padding
        if self.padding_mode != "zeros" and input.ndim in {3, 4}:
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)  # noqa: A001
            padding = 0
        return unit_dropout_conv2d(
            input, self.weight, self.bias, rate, stride=self.stride, padding=padding, dilation=self.dilation,
            exact_count=self.exact_count, key=key,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Rate and sizes."""
        return f"{super().extra_repr()}, {nn.Conv2d.extra_repr(self)}{self._options()}"  # type: ignore[no-untyped-call]


class UnitDropoutMLP(_UnitDropout, nn.Sequential):
    """Linear layers whose hidden units are dropped for the whole batch in training; dropped ones are not computed.

    A ``Sequential`` of linear layers and activations, whose ``state_dict`` keys it has: ``0.weight``, ``2.weight``,
    ... In eval nothing is dropped. See ``droplab.functional.unit_dropout_mlp``. What goes past ``forward``, such as
    hooks on the layers within, does not run in training.

    Args:
        sizes: of the input, the hidden layers and the output.
        p: drop rate of hidden units in [0, 1].
        activation: class of the activations, which must act on each element alone.
        bias: whether the layers have one.
        exact_count: keep a fixed number of units of each layer.
        device: of the parameters.
        dtype: of the parameters.

    >>> UnitDropoutMLP([8, 16, 4], p=0.2)
    UnitDropoutMLP(p=0.2
      (0): Linear(in_features=8, out_features=16, bias=True)
      (1): ReLU()
      (2): Linear(in_features=16, out_features=4, bias=True)
    )
    """

    def __init__(
        self,
        sizes: Sequence[int],
        p: float | Tensor = 0.5,
        activation: Callable[[], nn.Module] = nn.ReLU,
        bias: bool = True,
        *,
        exact_count: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if len(sizes) < 3:
            raise UserError(f"UnitDropoutMLP got the sizes {list(sizes)}; input, hidden layers and output are wanted")
        modules: list[nn.Module] = []
        for before, after in pairwise(sizes):
            modules += [nn.Linear(before, after, bias, device, dtype), activation()]
        super().__init__(*modules[:-1])
        self.p = p
        self.exact_count = exact_count
        _check_parts(self)

    @classmethod
    def adopt(cls, module: nn.Sequential, p: float | Tensor = 0.5, *, exact_count: bool = False) -> Self:
        """A layer with the modules of a ``Sequential`` under their names; ``nn.Dropout`` among them drops no more.

        Args:
            module: linear layers, activations of single elements between them, and after an activation perhaps
                ``Dropout``.
            p: drop rate of all hidden units.
            exact_count: keep a fixed number of units of each layer.

        Raises:
            UserError: something else than such a ``nn.Sequential``.

        >>> old = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 4))
        >>> new = UnitDropoutMLP.adopt(old, 0.5)
        >>> new.state_dict().keys() == old.state_dict().keys()
        True
        """
        made = cls._taking_over(module, nn.Sequential, p, exact_count)
        parts = list(made._modules.items())
        for (name, part), (_, after) in pairwise(parts[1:]):  # one at the input, which is not hidden, is refused
            if type(part) is nn.Dropout and type(after) is nn.Linear:
                made._modules[name] = nn.Identity()
        _check_parts(made)
        return made

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(*, in)`` to ``(*, out)``."""
        if not self.training:
            for part in self:
                input = part(input)  # noqa: A001
            return input
        layers: list[nn.Linear] = []
        between: list[list[nn.Module]] = []
        for part in self:
            if isinstance(part, nn.Linear):
                layers.append(part)
                between.append([])
            else:
                between[-1].append(part)
        return unit_dropout_mlp(
            input,
            [layer.weight for layer in layers],
            [layer.bias for layer in layers],
            self._current_rate(),
            activation=[_InTurn(parts) for parts in between[:-1]],
            exact_count=self.exact_count,
            key=self._key(input),
        )

    def __getitem__(self, idx: Any) -> Any:
        """A module; of a slice, a plain ``Sequential``, since what is cut out need not be such layers."""
        if isinstance(idx, slice):
            return nn.Sequential(OrderedDict(list(self._modules.items())[idx]))
        return super().__getitem__(idx)

    def extra_repr(self) -> str:
        """Rate."""
        return f"{super().extra_repr()}{self._options()}"

    def __repr__(self) -> str:
        """The rate on the first line."""
        return super().__repr__().replace("(\n  p=", "(p=", 1)


def _check_parts(layer: nn.Sequential) -> None:
    title, parts = type(layer).__name__, list(layer._modules.items())
    for name, part in parts:
        if type(part) is not nn.Linear and type(part) not in ELEMENTWISE:
            raise UserError(
                f"{title} got {type(part).__name__} at {name!r}; plain Linear layers with activations of single "
                "elements between them are wanted (and Dropout right before a hidden layer's Linear)"
            )
    if len(parts) < 2 or type(parts[0][1]) is not nn.Linear or type(parts[-1][1]) is not nn.Linear:
        raise UserError(f"{title} got {len(parts)} modules; a Linear layer first, another last, hidden units between")


class _InTurn:
    """Modules one after the other."""

    def __init__(self, parts: list[nn.Module]) -> None:
        self.parts = parts

    def __call__(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x
