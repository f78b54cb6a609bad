"""The same pass again, seen by a dispatch mode alone: the judge of what the function mode listed.

A function mode keeps torch's own layers from their fused kernels, and sees only what goes by a name. Here nothing but
operators is seen, in the order in which they draw.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

from droplab import global_numpy
from droplab.auditing.passes import call
from droplab.surgery.drawing import draws
from droplab.surgery.tensors import tensors

_FUSED = frozenset({"_transformer_encoder_layer_fwd", "_native_multi_head_attention"})


class Generators:
    """The state of torch's, NumPy's and Python's generators, to begin a pass with again."""

    def __init__(self) -> None:
        self._torch = torch.get_rng_state()
        self._devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        self._numpy, self._python = global_numpy.held(), random.getstate()

    def restore(self) -> None:
        """Set them back."""
        torch.set_rng_state(self._torch)
        if self._devices:
            torch.cuda.set_rng_state_all(self._devices)
        global_numpy.put_back(self._numpy)
        random.setstate(self._python)


class Bare(TorchDispatchMode):
    """Within the ``with``, notes operators that draw, and kernels that compute whole layers without dropout."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.drawn: list[tuple[str, tuple[int, ...]]] = []
        self.fused: list[tuple[str, nn.Module | None]] = []
        self._running: list[nn.Module] = []

    def enters(self, module: nn.Module, _args: Any) -> None:
        """A module's forward begins."""
        self._running.append(module)

    def leaves(self, module: nn.Module, _args: Any, _output: Any) -> None:
        """It ends."""
        while self._running and self._running.pop() is not module:
            pass

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carry an operator out and note it."""
        kwargs = kwargs or {}
        name = func.name().partition("::")[2].partition(".")[0]
        output = func(*args, **kwargs)
        if name in _FUSED:
            self.fused.append((name, self._running[-1] if self._running else None))
        elif draws(func, name, args, kwargs):
            self.drawn.append((name, shape_drawn(name, output)))
        return output


def shape_drawn(name: str, output: Any) -> tuple[int, ...]:
    """The shape of what an operator drew, where it shows it."""
    if name == "native_dropout":
        output = list(tensors(output))[-1]
    return tuple(output.shape) if isinstance(output, Tensor) else ()


def again(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], generators: Generators) -> Bare:
    """A pass in train mode from the same generators."""
    model.train()
    generators.restore()
    seen = Bare()
    hooks = register_module_forward_pre_hook(seen.enters), register_module_forward_hook(seen.leaves, always_call=True)
    try:
        with torch.enable_grad(), seen:
            call(model, args, kwargs)
    finally:
        for hook in hooks:
            hook.remove()
    return seen
