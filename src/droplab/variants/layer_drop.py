"""Dropout of whole layers of a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from droplab.errors import UserError
from droplab.layers.adopting import Adopting
from droplab.masks.checking import check_input, check_rate
from droplab.masks.drop import is_plain
from droplab.masks.internals import transforms_active
from droplab.masks.key import Key
from droplab.masks.noise import uniform
from droplab.masks.streams import whole
from droplab.variants.kind import Kind

__all__ = ["LayerDrop", "layer_drop"]


def layer_drop(
    input: Tensor, layers: Sequence[Callable[..., Tensor]], p: float | Tensor = 0.2, training: bool = True, *args: Any,
    key: Key | None = None, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """Call the layers one after the other, leaving each out with probability ``p``.

    ``y = f_L(… f_2(f_1(x)))`` without those that are left out, which cost nothing in eager mode; a graph, and a
    transform of ``torch.func``, compute every layer and take what they want. Nothing is scaled. One draw for each
    layer holds for the whole batch. Fan, Grave and Joulin, *Reducing transformer depth on demand with structured
    dropout*, ICLR 2020.

    Args:
        input: any shape, floating point.
        layers: functions that give a tensor of the shape and dtype they take.
        p: probability of a layer to be left out, in [0, 1]; 1 returns the input itself.
        training: where false, every layer is called.
        args: handed to every layer after its input.
        key: names the draws, which do not depend on samples; a seed from torch's default generator where absent.
        kwargs: handed to every layer.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.

    >>> key = Key(seed=0, layer="stack")
    >>> layer_drop(torch.zeros(1), [lambda x, by: x + by, lambda x, by: x + 10 * by], 0.5, True, 1, key=key)
    tensor([1.])
    """
    check_rate(p)
    check_input(input, "layer_drop")
    x = input
    if training and (torch.compiler.is_compiling() or transforms_active() or not is_plain(x)):
        out = left_out(len(layers), p, key).to(x.device)
        for place, layer in enumerate(layers):
            x = torch.where(out[place], x, layer(x, *args, **kwargs))
        return x
    for layer in chosen(layers, p, key) if training else layers:
        x = layer(x, *args, **kwargs)
    return x


def chosen(layers: Sequence[Any], p: float | Tensor, key: Key | None) -> list[Any]:
    """The layers of this step.

    >>> chosen(["first", "second", "third"], 0.5, Key(seed=0, layer="stack"))
    ['first']
    """
    return [layer for layer, out in zip(layers, left_out(len(layers), p, key).tolist(), strict=True) if not out]


def left_out(count: int, p: float | Tensor, key: Key | None) -> Tensor:
    """Which of so many layers a step leaves out. Drawn on the CPU, so that no GPU is waited for."""
    numbers = uniform(torch.empty(count, dtype=torch.float64, device="cpu"), key=whole(key))
    return numbers < (p.to(device="cpu") if isinstance(p, Tensor) else p)


class LayerDrop(Adopting, nn.ModuleList):
    """A stack of layers, each of which a training step leaves out with probability ``p``; all of them in eval.

    See ``droplab.functional.layer_drop``. It is an ``nn.ModuleList``, so ``state_dict`` keys are the list's. A model
    that loops over its list itself may go on doing so: ``for layer in self.layers.chosen(x): x = layer(x, mask)``.

    Args:
        layers: modules that give a tensor of the shape they take.
        p: probability of a layer to be left out, in [0, 1].

    >>> stack = LayerDrop([nn.Linear(4, 4) for _ in range(6)], p=0.5)
    >>> len(stack), list(stack.state_dict())[:2], stack.p
    (6, ['0.weight', '0.bias'], 0.5)
    >>> [type(layer).__name__ for layer in LayerDrop.adopt(nn.Sequential(nn.Tanh(), nn.ReLU()), 0.1)]
    ['Tanh', 'ReLU']
    """

    twin = (nn.ModuleList, nn.Sequential)
    batch_dim = None

    def __init__(self, layers: Iterable[nn.Module], p: float | Tensor = 0.2) -> None:
        super().__init__(layers)
        self.equip(p)

    def equip(self, p: float | Tensor = 0.2) -> None:
        """The rate."""
        self.p = p

    def forward(self, input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Any shape to the same shape; what else is given goes to every layer."""
        key = self._key(input) if self.training else None
        return layer_drop(input, list(self), self._current_rate(), self.training, *args, key=key, **kwargs)

    def chosen(self, input: Tensor) -> list[nn.Module]:
        """The layers of this step, for a model that calls them itself in eager mode: all of them in eval."""
        return chosen(list(self), self.p, self._key(input)) if self.training else list(self)

    def pruned(self, rate: float) -> Self:
        """A shallower stack for inference, of the same layers: those at depths ``k``, ``2k``, … are gone.

        The paper's "every other": ``k`` is ``1 / rate``, rounded down. Which layers were left out in training does not
        matter, as none could rely on another.

        Args:
            rate: share of layers to take out, above 0 and at most 0.5.

        Raises:
            UserError: another ``rate``.

        >>> stack = LayerDrop([nn.Linear(n + 1, 1) for n in range(6)])
        >>> [layer.in_features for layer in stack.pruned(0.5)], [layer.in_features for layer in stack.pruned(1 / 3)]
        ([1, 3, 5], [1, 2, 4, 5])
        """
        if not 0 < rate <= 0.5:
            raise UserError(f"LayerDrop.pruned got rate {rate}; a share of layers above 0 and at most 0.5 is wanted")
        every = int(1 / rate + 1e-9)
        new = type(self)([layer for depth, layer in enumerate(self, 1) if depth % every], self.p)
        new.training = self.training
        return new

    def __getitem__(self, idx: Any) -> Any:
        """A layer; of a slice, a stack with the same rate."""
        found = super().__getitem__(idx)
        if isinstance(found, LayerDrop):
            found.p = self.p
            found.training = self.training
        return found

    def __repr__(self) -> str:
        """As other modules: rate and layers."""
        return nn.Module.__repr__(self)


KINDS = (
    Kind(
        "layer_drop", LayerDrop,
        "Fan, Grave and Joulin, Reducing transformer depth on demand with structured dropout, ICLR 2020",
        "y = f_L(… f_2(f_1(x))) without the layers that are left out, each with probability p",
        "a layer in the whole batch", eval_law="every layer; or a stack that was pruned", in_arms=False,
        example="droplab.nn.LayerDrop([torch.nn.Linear(24, 24) for _ in range(4)], 0.2)",
        deviations="compiled graphs compute what they leave out",
    ),
)  # fmt: skip
