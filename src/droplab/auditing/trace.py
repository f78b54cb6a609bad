"""One forward pass, watched: what a function mode sees called, and what a dispatch mode sees drawn within it.

The model is not changed: hooks are torch's global ones, and are gone afterwards. A draw within no call that a handler
knows is noted as a call of its own, which is not handled.
"""

from __future__ import annotations

import hashlib
import re
import sys
from contextlib import ExitStack
from types import CodeType, TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from droplab.auditing.executed import Call, Passed
from droplab.auditing.flow import Flow
from droplab.auditing.handlers import read
from droplab.auditing.places import place_of
from droplab.layers.doorway import doorways
from droplab.layers.layer import DropLayer
from droplab.layers.unreached import TORCHS
from droplab.surgery.drawing import arguments, draws
from droplab.surgery.functional import NAMES, asked
from droplab.surgery.memory import Marks
from droplab.surgery.tensors import tensors

PATHS = re.compile(r"drop_?path|stochastic_?depth|layer_?drop", re.IGNORECASE)
"""Names of classes that drop whole samples of a branch."""
_OWN_DRAW = "droplab::"


class Trace:
    """Within the ``with``, notes what executes in a forward pass of ``model``.

    >>> net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    >>> with Trace(net) as seen:
    ...     y = net(torch.ones(64, 4))
    >>> [(call.function, call.what, call.module, call.p, len(call.draws)) for call in seen.passed.calls]
    [('F.dropout', 'layer', '1', 0.5, 1)]
    """

    def __init__(self, model: nn.Module) -> None:
        self.passed = Passed([], set(), [])
        self.flow = Flow()
        self.open: list[Call] = []
        self._paths: dict[int, str] = {}
        for name, module in model.named_modules():
            self._paths[id(module)] = name
            doors = doorways(module).items()
            self._paths.update({id(doorway.layer): f"{name}:{door}" for door, doorway in doors})
        self._running: list[nn.Module] = []
        self._masks: Marks[Call] = Marks()
        self._saved: Marks[bool] = Marks()
        self._given: Marks[bool] = Marks()
        self._counted: Marks[bool] = Marks()
        self._outer: CodeType | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._outer = sys._getframe(1).f_code  # noqa: SLF001  # documented, and what inspect uses
        enter = self._stack.enter_context
        for hook in (
            register_module_forward_pre_hook(self._enters),
            register_module_forward_hook(self._leaves, always_call=True),
        ):
            self._stack.callback(hook.remove)
        enter(saved_tensors_hooks(self._keeps, lambda kept: kept))
        enter(_Dispatched(self))
        enter(_Called(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def running(self) -> nn.Module | None:
        """The innermost module whose forward is being carried out."""
        return self._running[-1] if self._running else None

    def path(self, module: nn.Module | None) -> str:
        """A module's path; the innermost known one around a module that is kept in a list."""
        known = (self._paths[id(m)] for m in (module, *reversed(self._running)) if id(m) in self._paths)
        return next(known, "")

    def begin(self, call: Call) -> Call:
        """Note a call; module and place are found here."""
        call.owner = self.running
        call.module = self.path(call.owner)
        call.registered = id(call.owner) in self._paths
        call.place, call.scope, call.recomputed = place_of(sys._getframe(2), self._outer)  # noqa: SLF001
        if isinstance(call.owner, (*TORCHS, DropLayer)) and call.what == "function":
            call.what = "layer"
        elif PATHS.search(type(call.owner).__name__):
            call.what, call.drops = "path", True
        self.passed.calls.append(call)
        return call

    def output(self, output: Any) -> None:
        """What the model gave."""
        self.passed.output = output
        for x in tensors(output):
            self.passed.on_output += self.flow.dropouts_of(x, after_linear=True)

    def drew(self, func: Any, name: str, args: Any, kwargs: Any, output: Any) -> None:
        """An operator drew."""
        call = self.open[-1] if self.open else self._alone(func, args)
        drawn = (
            next((x for x in reversed(list(tensors(output))) if x.numel()), None)
            if name == "native_dropout"
            else output
        )
        call.own_generator |= arguments(func, args, kwargs).get("generator") is not None
        call.draws.append((name, tuple(drawn.shape) if isinstance(drawn, Tensor) else ()))
        if not isinstance(drawn, Tensor):
            return
        self._masks[drawn] = call
        if not call.fingerprint:
            part = drawn.detach().flatten()[:4096].cpu().to(torch.float64)
            call.fingerprint = hashlib.sha256(part.numpy().tobytes()).hexdigest()
        if call.own_masks and (name.startswith("bernoulli") or name == "native_dropout"):
            call.dropped += int((drawn == 0).sum())
            call.drawn += drawn.numel()
            return
        self.flow.drew(call, name, drawn, list(tensors((args, kwargs))))

    def _alone(self, func: Any, args: Any) -> Call:
        """A draw within no call that is known."""
        own = func.name().startswith(_OWN_DRAW)
        function = "droplab.functional" if own else func.name()
        call = self.begin(Call(function, "function" if own else "noise", "", None, "", "", handled=own, drops=own))
        call.shape = next((tuple(x.shape) for x in tensors(args)), ())
        return call

    def _enters(self, module: nn.Module, args: Any) -> None:
        self._running.append(module)
        self.passed.ran.add(id(module))
        if isinstance(module, DropLayer):
            rate = getattr(module, "p", None)
            p = float(rate) if isinstance(rate, (int, float, Tensor)) else None
            call = Call(f"droplab.nn.{type(module).__name__}", "layer", "", None, "", "", p)
            call.active = module.training and p != 0
            call.shape = next((tuple(x.shape) for x in tensors(args)), ())
            for x in tensors(args):
                self._given[x] = True
            self.open.append(self.begin(call))

    def _leaves(self, module: nn.Module, args: Any, output: Any) -> None:
        if isinstance(module, DropLayer) and self.open:
            self._close(self.open.pop(), args, output)
        while self._running and self._running.pop() is not module:
            pass  # a module whose forward raised

    def _close(self, call: Call, args: Any, output: Any) -> None:
        x, y = next(tensors(args), None), next(tensors(output), None)
        if not call.active or x is None or y is None or x.shape != y.shape or "Alpha" in call.function:
            return
        kept = x.detach() != 0
        call.dropped += int((kept & (y.detach() == 0)).sum())
        call.drawn += int(kept.sum())
        self.flow.dropped(call, x, y)

    def _keeps(self, x: Tensor) -> Tensor:
        """Autograd keeps a tensor for the backward pass."""
        self._saved[x] = True
        call = self._masks.get(x)
        if call is None and self.open and isinstance(self.open[-1].owner, DropLayer) and not self._given.get(x):
            call = None if isinstance(x, nn.Parameter) else self.open[-1]
        if call is not None and not self._counted.get(x):
            self._counted[x] = True
            call.bytes += x.untyped_storage().nbytes()
        return x

    def overwrites(self, x: Tensor) -> bool:
        """Whether autograd keeps what lies in a tensor's memory."""
        return bool(self._saved.get(x))


class _Called(TorchFunctionMode):
    """Notes calls of functions that have a handler."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, func = kwargs or {}, NAMES.plain.get(func, func)
        trace = self.trace
        known = None if trace.open else read(func, args, kwargs)
        if known is None:
            return func(*args, **kwargs)
        call = Call(known.function, known.what, "", None, "", "", known.p, known.active)
        call.inplace, call.drops, call.own_masks = known.inplace, known.drops, known.drops
        call.served = known.active and asked(func, args, kwargs) is not None
        trace.begin(call)
        if known.input is not None:
            call.shape = tuple(known.input.shape)
            call.overwritten = known.inplace and known.active and trace.overwrites(known.input)
            if call.what == "function" and trace.flow.is_probabilities(known.input):
                call.what = "attention"
        trace.open.append(call)
        try:
            output = func(*args, **kwargs)
        finally:
            trace.open.pop()
        if known.input is not None and known.active and known.what == "function" and isinstance(output, Tensor):
            trace.flow.dropped(call, known.input, output)
        elif known.input is None and not call.shape and isinstance(output, Tensor):
            call.shape = tuple(output.shape)
        return output


class _Dispatched(TorchDispatchMode):
    """Notes operators that draw, and what becomes of what they drew."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = trace

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        trace = self.trace
        name = func.name().partition("::")[2].partition(".")[0]
        if draws(func, name, args, kwargs):
            output = func(*args, **kwargs)
            trace.drew(func, name, args, kwargs, output)
            return output
        if "batch_norm" in name and "backward" not in name:
            x = next(tensors(args), None)
            if x is not None:
                trace.passed.normed += [(call, trace.path(trace.running)) for call in trace.flow.dropouts_of(x)]
        applied = trace.flow.before(name, args, kwargs)
        output = func(*args, **kwargs)
        trace.flow.after(name, args, kwargs, output)
        for call, target in applied:
            if isinstance(output, Tensor):
                trace.flow.dropped(call, target, output)
        return output
