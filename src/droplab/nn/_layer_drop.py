"""Layer dropout: a stack of layers, some of which a step leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from torch import Tensor, nn

from droplab.errors import UserError
from droplab.functional.depth import chosen, layer_drop
from droplab.nn.adopting import taken_over
from droplab.nn.layer import DropLayer


class LayerDrop(DropLayer, nn.ModuleList):
    """A stack of layers, each of which a training step leaves out with probability ``p``; all of them in eval.

    See ``droplab.functional.layer_drop``. It is an ``nn.ModuleList``, so ``state_dict`` keys are the list's. A model
    that loops over its list itself may go on doing so: ``for layer in self.layers.chosen(x): x = layer(x, mask)``.

    Args:
        layers: modules that give a tensor of the shape they take.
        p: probability of a layer to be left out, in [0, 1].

    >>> stack = LayerDrop([nn.Linear(4, 4) for _ in range(6)], p=0.5)
    >>> len(stack), list(stack.state_dict())[:2], stack.p
    (6, ['0.weight', '0.bias'], 0.5)
    """

    batch_dim = None

    def __init__(self, layers: Iterable[nn.Module], p: float | Tensor = 0.2) -> None:
        nn.ModuleList.__init__(self, layers)
        self.p = p

    @classmethod
    def adopt(cls, module: nn.ModuleList | nn.Sequential, p: float | Tensor = 0.2) -> Self:
        """The stack in the place of a list or sequence of layers, with its very layers, names and mode.

        Raises:
            UserError: something else than a plain ``nn.ModuleList`` or ``nn.Sequential``.

        >>> [type(layer).__name__ for layer in LayerDrop.adopt(nn.Sequential(nn.Tanh(), nn.ReLU()), 0.1)]
        ['Tanh', 'ReLU']
        """
        new = taken_over(cls, module, nn.Sequential if isinstance(module, nn.Sequential) else nn.ModuleList)
        new.p = p
        return new

    def forward(self, input: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # noqa: A002  # torch's name
        """Any shape to the same shape; what else is given goes to every layer."""
        key = self._key(input) if self.training else None
        return layer_drop(input, list(self), self._current_rate(), self.training, *args, key=key, **kwargs)

    def chosen(self, input: Tensor) -> list[nn.Module]:  # noqa: A002  # torch's name
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

    def __repr__(self) -> str:
        """As other modules: rate and layers."""
        return nn.Module.__repr__(self)
