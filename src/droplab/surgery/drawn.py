"""Numbers that were drawn, followed until they are applied as a mask, operator by operator.

A mask is followed from the draw to what it is multiplied with, so that ``x * mask`` drops, and the noise of a sampling
layer, ``mean + scale * noise``, does not. Where that ends nothing is known, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from droplab.surgery.memory import Marks, covers
from droplab.surgery.tensors import tensors

Who = TypeVar("Who")
"""What a draw is known as."""
COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "lt_", "le_", "gt_", "ge_"})
_ROUNDING = frozenset({"floor", "floor_", "ceil", "ceil_", "round", "round_", "trunc", "trunc_", "bernoulli"})
_FILLS = frozenset({"masked_fill", "masked_fill_", "where", "index_put", "index_put_"})


@dataclass(frozen=True)
class _Mask(Generic[Who]):
    draws: tuple[Who, ...]
    steps: bool
    """Whether its values were compared or rounded: a mask, where continuous noise is not."""


class Applied(NamedTuple, Generic[Who]):
    """A mask that an operator applies."""

    draw: Who
    drops: bool
    """Whether units are left out, and no complement of the mask fills their places, as far as is known yet."""
    zeros: Tensor
    """Where it leaves out what is there."""
    target: Tensor


class Drawn(Generic[Who]):
    """What is known of the tensors of a pass that were made of draws alone.

    >>> drawn, x, noise = Drawn[str](), torch.ones(4), torch.tensor([0.1, 0.9, 0.2, 0.8])
    >>> drawn.drew("rand", "rand", noise, [])
    >>> mask = noise > 0.5
    >>> drawn.after("gt", [noise], mask)
    >>> [(one.draw, one.drops, one.zeros.tolist()) for one in drawn.before("mul", (x, mask), {})]
    [('rand', True, [True, False, True, False])]
    """

    def __init__(self) -> None:
        self._masks: Marks[_Mask[Who]] = Marks()
        self._zeros: dict[Who, list[Tensor]] = {}

    def drew(self, draw: Who, name: str, output: Tensor, inputs: list[Tensor]) -> None:
        """A tensor was drawn, and becomes a mask perhaps."""
        given_odds = name == "bernoulli" and any(item is not output for item in inputs)
        before = [known for item in inputs if (known := self._masks.get(item))]
        draws = dict.fromkeys((draw, *(other for known in before for other in known.draws)))
        if covers(output):
            self._masks[output] = _Mask(tuple(draws), steps="bernoulli" in name or given_odds)

    def before(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Applied[Who]]:
        """Masks that an operator is about to apply; asked before it may change them."""
        if name in {"mul", "mul_"}:
            inputs = list(tensors(args))
            known = [self._masks.get(item) for item in inputs]
            for mine, other in ((0, 1), (1, 0)):
                mask = known[mine] if len(inputs) == 2 else None
                if mask and not known[other] and inputs[other].numel() > 1:
                    yield from self._applied(mask, inputs[mine] == 0, inputs[mine], inputs[other])
        elif name in _FILLS:
            for item in tensors((args, kwargs)):
                mask = self._masks.get(item)
                if mask and item.dtype is torch.bool and _fills_with_zero(name, args):
                    number_first = name == "where" and not _zero(args[1])
                    target = next((t for t in tensors(args) if t is not item and t.numel() > 1), item)
                    yield from self._applied(mask, ~item if number_first else item, None, target)

    def _applied(
        self, mask: _Mask[Who], zeros: Tensor, values: Tensor | None, target: Tensor
    ) -> Iterator[Applied[Who]]:
        if not mask.steps:
            return
        if values is not None:
            kept = values.detach()[~zeros]
            if kept.numel() and not bool(kept.min() == kept.max()):
                return
        for draw in mask.draws:
            others = self._zeros.setdefault(draw, [])
            complement = any(other.shape == zeros.shape and torch.equal(other, ~zeros) for other in others)
            others.append(zeros)
            yield Applied(draw, not complement, zeros, target)

    def after(self, name: str, inputs: list[Tensor], output: Tensor) -> None:
        """What is made of draws and numbers alone, or of a comparison with them, is drawn too."""
        known = [mask for item in inputs if (mask := self._masks.get(item))]
        if not known:
            return
        alone = all(self._masks.get(item) or item.numel() == 1 for item in inputs)
        if not alone and name not in COMPARISONS:
            self._masks.forget(output)  # noise added in place
            return
        rounded = name in COMPARISONS or name in _ROUNDING or not output.dtype.is_floating_point
        draws = tuple(dict.fromkeys(draw for mask in known for draw in mask.draws))
        if covers(output) or self._masks.get(output):
            self._masks[output] = _Mask(draws, rounded or any(mask.steps for mask in known))


def _zero(value: Any) -> bool:
    return isinstance(value, (int, float, Tensor)) and not bool(torch.as_tensor(value).any())


def _fills_with_zero(name: str, args: tuple[Any, ...]) -> bool:
    """Whether one of the values that a mask chooses from is 0."""
    return any(_zero(value) for value in (args[1:] if name == "where" else args[2:3]))
