"""What becomes of tensors that were drawn or dropped, operator by operator: through views and elementwise ones.

What was dropped is followed until something else than itself goes into it. Where that ends nothing is known, and
nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from droplab.auditing.executed import Call
from droplab.surgery.drawn import Drawn
from droplab.surgery.memory import Marks, covers
from droplab.surgery.tensors import tensors

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
        self._drawn: Drawn[Call] = Drawn()
        self._origins: Marks[_Origin] = Marks()

    def drew(self, call: Call, name: str, output: Tensor, inputs: list[Tensor]) -> None:
        """A tensor was drawn, and becomes a mask perhaps."""
        self._drawn.drew(call, name, output, inputs)

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
        applied = list(self._drawn.before(name, args, kwargs))
        for call, drops, zeros, target in applied:
            call.drops = drops
            call.dropped += int(zeros.sum())
            call.drawn += zeros.numel()
            call.shape = tuple(target.shape)
            if target.ndim > 1 and zeros.numel() == target.shape[0]:
                call.what = "path"
            elif call.what == "noise":
                call.what = "function"
        return [(call, target) for call, _, _, target in applied if call.drops]

    def after(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """What an operator made of what is known."""
        if not isinstance(output, Tensor):
            output = next(tensors(output), None)
            if output is None:
                return
        inputs = list(tensors((args, kwargs)))
        self._drawn.after(name, inputs, output)
        self._follow_origins(name, inputs, output)

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
