"""A kind as tests need it: a layer of it, an input, and one call of the layer under a key."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from droplab.layers.keyed import keyed
from droplab.layers.layer import DropLayer
from droplab.testing.laws.oracle import Oracle

RATE = 0.3


class KindUnderTest:
    """What the contracts share; ``oracle`` is handed over by the test class."""

    oracle: ClassVar[Oracle]

    def make(self, p: float = RATE) -> DropLayer:
        """The layer with the kind's defaults, in training mode."""
        return self.oracle.build(p)

    def input(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """Values of both signs, none near zero, of the oracle's shape; or words, where it takes these."""
        count = math.prod(self.oracle.shape)
        if self.oracle.vocabulary is not None:
            return (torch.arange(count) * 7 % self.oracle.vocabulary).reshape(self.oracle.shape)
        ramp = torch.linspace(0.5, 2.0, count, dtype=torch.float64)
        return (ramp * torch.where(torch.arange(count) % 3 == 0, -1.0, 1.0)).reshape(self.oracle.shape).to(dtype)

    def leaf(self, layer: DropLayer, x: Tensor) -> Tensor:
        """What gradients are taken for: the input, or the first parameter where the input is words."""
        return x.requires_grad_() if self.oracle.vocabulary is None else next(layer.parameters())

    def draw(
        self,
        layer: DropLayer,
        x: Tensor,
        *,
        step: int = 0,
        samples: Tensor | None = None,
        seed: int = 1,
        model: nn.Module | None = None,
    ) -> Tensor:
        """One call within ``keyed``; of the model ``named`` gave, where there are many."""
        with keyed(model or named(layer), seed=seed, step=step, samples=samples):
            return output(layer, x)

    def check_equal(self, found: Tensor, wanted: Tensor) -> None:
        """To the bit; to rounding where the kind multiplies matrices, whose order of sums follows their shapes."""
        if self.oracle.kind.has_parameters:
            torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
        else:
            assert torch.equal(found, wanted)

    def function(self, samples: int | None = None) -> tuple[Callable[..., Tensor], Tensor]:
        """The kind as a function of one tensor of numbers, and that tensor: the input, or the matrix of words.

        Args:
            samples: so many of the batch.

        Returns:
            ``f(value, key=True)``, which is keyed or draws from torch's generator, and ``value``.
        """
        layer, x = self.make(), self.input()[:samples]
        if self.oracle.vocabulary is None:
            return (lambda value, key=True: self.draw(layer, value) if key else output(layer, value)), x
        name, matrix = next(iter(layer.named_parameters()))
        model = named(layer)

        def looked_up(value: Tensor, key: bool = True) -> Tensor:
            def called() -> Tensor:
                result: Tensor = torch.func.functional_call(layer, {name: value}, (x,))
                return result

            if not key:
                return called()
            with keyed(model, seed=1):
                return called()

        return looked_up, matrix.detach().to(torch.float64)


def named(layer: DropLayer) -> nn.Module:
    """A model in which the layer has a name."""
    return nn.ModuleDict({"drop": layer})


def output(layer: Any, x: Tensor) -> Tensor:
    """What a layer gives, without the states that recurrent ones give too."""
    result = layer(x)
    found: Tensor = result[0] if isinstance(result, tuple) else result
    return found


def saved(module: nn.Module) -> Any:
    """What ``torch.load`` gives back of a whole module."""
    place = io.BytesIO()
    torch.save(module, place)
    place.seek(0)
    return torch.load(place, weights_only=False)


def raises(kind: type[Exception], act: Callable[[], Any], said: str = "") -> None:
    """Fail unless an error of a kind arrives whose message has some words."""
    try:
        act()
    except kind as error:
        assert said in str(error), f"the error {error!s} does not say {said!r}"  # noqa: PT017
        return
    raise AssertionError(f"{kind.__name__} was wanted; nothing was raised")
