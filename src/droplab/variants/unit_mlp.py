"""Hidden units of a stack of linear layers dropped for a whole batch, which both neighbours leave out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.errors import RankError, UserError
from droplab.masks.checking import check_input, check_rate, is_zero
from droplab.masks.kept import Kept, kept_units, may_skip, unit_mask
from droplab.masks.key import Key
from droplab.masks.taken import Places, take
from droplab.variants.kind import Kind
from droplab.variants.units import DEVIATIONS, GRAHAM, UnitDropout

__all__ = ["UnitDropoutMLP", "unit_dropout_mlp"]

Activation = Callable[[Tensor], Tensor]


def unit_dropout_mlp(
    input: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor | None], p: float | Tensor = 0.5,
    training: bool = True, *, activation: Activation | Sequence[Activation] = F.relu, exact_count: bool = False,
    key: Key | None = None,
) -> Tensor:  # fmt: skip
    """Linear layers with an activation between any two, whose hidden units are dropped for the whole batch.

    ``hᵢ = (mᵢ / (1 - p)) a(hᵢ₋₁ Wᵢᵀ + bᵢ)``, the last layer without activation and mask. What is dropped is used on
    both sides: neither the rows of ``Wᵢ`` that would compute a dropped unit nor the columns of ``Wᵢ₊₁`` that would
    read it are multiplied, so that a product between two hidden layers takes ``(1 - p)²`` of the work. Graham,
    Reizenstein and Robinson, 2015; deviation, graphs and ``exact_count`` as for ``unit_dropout_linear``.

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
    if not training or is_zero(p) or not sizes:
        return _masked_layers(input, layers, [None] * len(layers))
    if not may_skip(input, *weights):
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


ELEMENTWISE: tuple[type[nn.Module], ...] = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.LeakyReLU, nn.LogSigmoid,
    nn.Mish, nn.ReLU, nn.ReLU6, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh,
    nn.Tanhshrink, nn.Threshold, nn.Identity,
)  # fmt: skip
"""Modules that act on each element alone, so that units that are not there change nothing for the others."""


class UnitDropoutMLP(UnitDropout, nn.Sequential):
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
        device, dtype: of the parameters.

    >>> UnitDropoutMLP([8, 16, 4], p=0.2)
    UnitDropoutMLP(p=0.2
      (0): Linear(in_features=8, out_features=16, bias=True)
      (1): ReLU()
      (2): Linear(in_features=16, out_features=4, bias=True)
    )
    >>> old = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 4))
    >>> new = UnitDropoutMLP.adopt(old, 0.5)  # in which UnitDropoutMLP alone drops
    >>> new.state_dict().keys() == old.state_dict().keys()
    True
    """

    twin = nn.Sequential

    def __init__(
        self, sizes: Sequence[int], p: float | Tensor = 0.5, activation: Callable[[], nn.Module] = nn.ReLU,
        bias: bool = True, *, exact_count: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if len(sizes) < 3:
            raise UserError(f"UnitDropoutMLP got the sizes {list(sizes)}; input, hidden layers and output are wanted")
        modules: list[nn.Module] = []
        for before, after in pairwise(sizes):
            modules += [nn.Linear(before, after, bias, device, dtype), activation()]
        super().__init__(*modules[:-1])
        _check_parts(self)
        self.equip(p, exact_count=exact_count)

    def equip(self, p: float | Tensor = 0.5, *, exact_count: bool = False) -> None:
        """The rate, and whether a fixed number of units is kept; ``nn.Dropout`` among the modules drops no more."""
        super().equip(p, exact_count=exact_count)
        parts = list(self._modules.items())
        for (name, part), (_, after) in pairwise(parts[1:]):  # one at the input, which is not hidden, is refused
            if type(part) is nn.Dropout and type(after) is nn.Linear:
                self._modules[name] = nn.Identity()
        _check_parts(self)

    def forward(self, input: Tensor) -> Tensor:
        """``(*, in)`` to ``(*, out)``."""
        if not self.training:
            for part in self:
                input = part(input)
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


KINDS = (
    Kind(
        "unit_dropout_mlp", UnitDropoutMLP, GRAHAM,
        "y = h Wᵀ + b, h = a(x Vᵀ + c) m / (1 - p), m = 0 with probability p, else 1; where m = 0, neither rows of V "
        "nor columns of W are multiplied",
        "a hidden unit of the whole batch", eval_law="the layers without dropout", has_parameters=True, in_arms=False,
        example="droplab.nn.UnitDropoutMLP([24, 32, 6], p=0.5)", deviations=DEVIATIONS,
    ),
)  # fmt: skip
