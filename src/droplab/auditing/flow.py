"""What becomes of tensors that were drawn or dropped, operator by operator: through views and elementwise ones.

A mask is followed from the draw to what it is multiplied with, so that ``x * mask`` drops and ``mean + scale * noise``
does not. What was dropped is followed until something else than itself goes into it. Where that ends nothing is known,
and nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from droplab.auditing.executed import Call
from droplab.auditing.memory import Marks, covers, tensors

_COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "lt_", "le_", "gt_", "ge_"})
_ROUNDING = frozenset({"floor", "floor_", "ceil", "ceil_", "round", "round_", "trunc", "trunc_", "bernoulli"})
_FILLS = frozenset({"masked_fill", "masked_fill_", "where"})
_COPIES = frozenset({"clone", "_to_copy", "copy", "contiguous", "_unsafe_view", "_reshape_alias"})
_SOFTMAX = frozenset({"_softmax", "_safe_softmax", "_log_softmax"})
_UNARY = frozenset({
    "relu", "gelu", "silu", "tanh", "sigmoid", "elu", "leaky_relu", "hardtanh", "hardswish", "hardsigmoid", "softplus",
    "mish", "neg", "abs", "exp", "log", "sqrt", "rsqrt", "clamp", "clamp_min", "pow", "_softmax", "_safe_softmax",
    "_log_softmax", "celu", "relu6", "log_sigmoid_forward", "threshold",
})  # fmt: skip
_SCALED = frozenset({"mul", "div", "add", "sub"})
_LINEAR = frozenset({"addmm", "mm", "linear", "convolution", "_convolution", "mkldnn_convolution", "baddbmm"})


@dataclass(frozen=True)
class _Mask:
    calls: tuple[Call, ...]
    steps: bool
    """Whether its values were compared or rounded: a mask, where continuous noise is not."""


@dataclass(frozen=True)
class _Origin:
    dropped: tuple[Call, ...] = ()
    """Dropout whose output this is, but for views and elementwise functions."""
    linear: bool = False
    """What a linear map gave, but for views."""
    after_linear: bool = False
    """The dropout acted on such."""
    soft: bool = False
    """Probabilities."""


class Flow:
    """What is known of the tensors of one pass."""

    def __init__(self) -> None:
        self._masks: Marks[_Mask] = Marks()
        self._origins: Marks[_Origin] = Marks()
        self._zeros: dict[Call, list[Tensor]] = {}

    def drew(self, call: Call, name: str, output: Tensor, inputs: list[Tensor]) -> None:
        """A tensor was drawn, and becomes a mask perhaps."""
        given_odds = name == "bernoulli" and any(item is not output for item in inputs)
        before = [known for item in inputs if (known := self._masks.get(item))]
        calls = dict.fromkeys((call, *(other for known in before for other in known.calls)))
        if covers(output):
            self._masks[output] = _Mask(tuple(calls), steps="bernoulli" in name or given_odds)

    def dropped(self, call: Call, given: Tensor, output: Tensor) -> None:
        """A dropout gave a tensor."""
        before = self._origins.get(given)
        if covers(output):
            linear = before is not None and before.linear
            self._origins[output] = _Origin((call,), after_linear=linear)

    def is_probabilities(self, x: Tensor) -> bool:
        """Whether a tensor is what a softmax gave."""
        known = self._origins.get(x)
        return known is not None and known.soft

    def dropouts_of(self, x: Tensor, after_linear: bool = False) -> tuple[Call, ...]:
        """The dropouts whose output a tensor is; only those on what a linear map gave, where asked."""
        known = self._origins.get(x)
        return () if known is None or (after_linear and not known.after_linear) else known.dropped

    def before(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[tuple[Call, Tensor]]:
        """Masks that an operator is about to apply; asked before it may change them."""
        found = []
        if name in {"mul", "mul_"}:
            inputs = tensors(args)
            known = [self._masks.get(item) for item in inputs]
            for mine, other in ((0, 1), (1, 0)):
                mask = known[mine] if len(inputs) == 2 else None
                if mask and not known[other] and inputs[other].numel() > 1:
                    found += self._applied(mask, inputs[mine] == 0, inputs[mine], inputs[other])
        elif name in _FILLS:
            for item in tensors((args, kwargs)):
                mask = self._masks.get(item)
                if mask and item.dtype is torch.bool and _fills_with_zero(name, args):
                    number_first = name == "where" and not _zero(args[1])
                    target = next((t for t in tensors(args) if t is not item and t.numel() > 1), item)
                    found += self._applied(mask, ~item if number_first else item, None, target)
        return found

    def _applied(self, mask: _Mask, zeros: Tensor, values: Tensor | None, target: Tensor) -> list[tuple[Call, Tensor]]:
        """A mask that holds a zero has dropped something, unless its complement fills the place, as ``where`` does."""
        if not mask.steps:
            return []
        if values is not None:
            kept = values.detach()[~zeros]
            if kept.numel() and not bool(kept.min() == kept.max()):
                return []
        for call in mask.calls:
            others = self._zeros.setdefault(call, [])
            complement = any(other.shape == zeros.shape and torch.equal(other, ~zeros) for other in others)
            others.append(zeros)
            call.drops = not complement
            call.dropped += int(zeros.sum())
            call.drawn += zeros.numel()
            call.shape = tuple(target.shape)
            if target.ndim > 1 and zeros.numel() == target.shape[0]:
                call.what = "path"
            elif call.what == "noise":
                call.what = "function"
        return [(call, target) for call in mask.calls if call.drops]

    def after(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """What an operator made of what is known."""
        if not isinstance(output, Tensor):
            output = next(iter(tensors(output)), None)
            if output is None:
                return
        inputs = tensors((args, kwargs))
        self._follow_masks(name, inputs, output)
        self._follow_origins(name, inputs, output)

    def _follow_masks(self, name: str, inputs: list[Tensor], output: Tensor) -> None:
        """What is made of draws and numbers alone, or of a comparison with them, is drawn too."""
        known = [mask for item in inputs if (mask := self._masks.get(item))]
        if not known:
            return
        alone = all(self._masks.get(item) or item.numel() == 1 for item in inputs)
        if not alone and name not in _COMPARISONS:
            self._masks.forget(output)  # noise added in place
            return
        rounded = name in _COMPARISONS or name in _ROUNDING or not output.dtype.is_floating_point
        calls = tuple(dict.fromkeys(call for mask in known for call in mask.calls))
        if covers(output) or self._masks.get(output):
            self._masks[output] = _Mask(calls, rounded or any(mask.steps for mask in known))

    def _follow_origins(self, name: str, inputs: list[Tensor], output: Tensor) -> None:
        if name in _LINEAR:
            self._origins[output] = _Origin(linear=True)
            return
        base = name.removesuffix("_")
        known = self._origins.get(inputs[0]) if inputs else None
        large = [item for item in inputs if item.numel() > 1]
        in_place = name.endswith("_") and name != base
        if name in _SOFTMAX:
            self._origins[output] = replace(known or _Origin(), linear=False, soft=True)
        elif known is None:
            if in_place and inputs:
                self._origins.forget(output)
        elif base in _COPIES:
            if covers(output):
                self._origins[output] = known
        elif base in _UNARY or (base in _SCALED and len(large) <= 1):
            self._origins[output] = replace(known, linear=False, soft=False)
        elif base == "add" and known.linear and len(large) == 2 and large[1].ndim == 1:
            self._origins[output] = known  # a bias
        elif in_place:
            self._origins.forget(output)


def _zero(value: Any) -> bool:
    return isinstance(value, (int, float, Tensor)) and not bool(torch.as_tensor(value).any())


def _fills_with_zero(name: str, args: tuple[Any, ...]) -> bool:
    """Whether one of the values that a mask chooses from is 0."""
    return any(_zero(value) for value in (args[1:] if name == "where" else args[2:3]))
