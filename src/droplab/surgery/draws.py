"""Every random draw of a forward pass: which call drew, in which module, at which line, and whether it drops.

A dispatch mode sees each operator that torch carries out, under whatever name a model called it. Operators that drop
(``native_dropout``, the ``dropout_p`` of attention, the ``dropout`` of recurrent layers) are known by their names; a
drawn mask is followed to what it is multiplied with (``drawn.py``).
"""

from __future__ import annotations

import linecache
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

from droplab.surgery.drawing import draws
from droplab.surgery.drawn import Drawn
from droplab.surgery.tensors import tensors
from droplab.userobjects import stands_for_exit

_TORCH = os.path.join(os.path.dirname(torch.__file__), "")  # noqa: PTH118, PTH120  # compared with the text of code objects
_OWN = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")  # noqa: PTH118, PTH120
_OWN_DROPS = tuple(os.path.join(_OWN, room, "") for room in ("masks", "layers", "variants"))  # noqa: PTH118
_OWN_MODELS = os.path.join(_OWN, "models", "")  # noqa: PTH118
_FUNCTIONAL = os.path.join("nn", "functional.py")  # noqa: PTH118
_DROPPING = ("dropout", "attention", "rnn", "lstm", "gru")
_ATTENTION = ("_scaled_dot_product", "_efficient_attention", "_flash_attention")
_LINE = 80
"""Characters of a source line that are shown."""


@dataclass(eq=False)
class Draw:
    """One draw of random numbers in a forward pass."""

    call: str
    """What the model called: ``F.dropout``, ``Tensor.bernoulli_``, ``attention dropout``."""
    module: str
    """Path of the innermost module that was running; empty for the model itself, and for one kept in a list."""
    kind: str
    """That module's class, ``nn.LSTM`` for torch's own; empty for the model itself."""
    place: str
    """``my_model.py:31 in Net.forward``: the innermost line of the model's own code; empty where there is none."""
    drops: bool = False
    """Whether units were dropped by it."""

    def __str__(self) -> str:
        at = f"{self.call} at {self.place}" if self.place else self.call
        if self.module:
            return f"{self.kind} {self.module!r} ({at})"
        return f"{self.kind} ({at})" if self.kind else at


class DrawRecorder(TorchDispatchMode):
    """Within the ``with``, notes each draw of ``model``'s forward passes and each module that is called.

    The model is not changed: hooks are torch's global ones, and are gone afterwards. Recording slows a pass down by
    some microseconds for each operator. Not for ``torch.inference_mode``, which shows operators before they are taken
    apart into those that draw; ``torch.no_grad`` is fine.

    >>> net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    >>> with DrawRecorder(net) as seen:
    ...     y = net(torch.ones(64, 4))
    >>> [str(draw) for draw in seen.draws], seen.draws[0].drops
    (["nn.Dropout '1' (F.dropout)"], True)
    >>> seen.was_called(net[0])
    True
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.draws: list[Draw] = []
        self._paths = {id(module): name for name, module in model.named_modules()}
        self._running: list[nn.Module] = []
        self._called: dict[int, nn.Module] = {}
        self._drawn: Drawn[Draw] = Drawn()
        self._by_function: set[Draw] = set()
        """Draws that are known to drop by what was called."""
        self._hooks: list[Any] = []
        self._outer: CodeType | None = None

    def __enter__(self) -> Self:
        self._outer = sys._getframe(1).f_code  # noqa: SLF001  # documented, and what inspect uses
        self._hooks = [
            register_module_forward_pre_hook(self._enters),
            register_module_forward_hook(self._leaves, always_call=True),
        ]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, value, trace)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()
        self._drawn = Drawn()
        self._running.clear()

    def was_called(self, module: nn.Module) -> bool:
        """Whether a module's forward ran."""
        return id(module) in self._called

    @property
    def distinct(self) -> tuple[Draw, ...]:
        """The draws, one for each module, call and line; it drops where any of its draws did."""
        found: dict[str, Draw] = {}
        for draw in self.draws:
            known = found.setdefault(str(draw), draw)
            known.drops |= draw.drops
        return tuple(found.values())

    def _enters(self, module: nn.Module, _args: Any) -> None:
        self._running.append(module)
        self._called[id(module)] = module

    def _leaves(self, module: nn.Module, _args: Any, _output: Any) -> None:
        while self._running and self._running.pop() is not module:
            pass  # a module whose forward raised

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carry an operator out and note what it drew."""
        kwargs = kwargs or {}
        name = func.name().partition("::")[2].partition(".")[0]
        if torch.Tag.nondeterministic_seeded in func.tags:
            output = func(*args, **kwargs)
            if draws(func, name, args, kwargs):
                self._note(name, args, kwargs, output)
            return output
        for draw, drops, zeros, _ in self._drawn.before(name, args, kwargs):
            if draw not in self._by_function and bool(zeros.any()):
                draw.drops = drops
        output = func(*args, **kwargs)
        if isinstance(output, Tensor):
            self._drawn.after(name, list(tensors((args, kwargs))), output)
        return output

    def _note(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        own = any(word in name for word in _DROPPING)
        draw = self._draw(name)
        draw.drops = own or draw.drops
        self.draws.append(draw)
        if draw.drops:
            self._by_function.add(draw)
        if not own and isinstance(output, Tensor):
            self._drawn.drew(draw, name, output, list(tensors((args, kwargs))))

    def _draw(self, name: str) -> Draw:
        running = self._running[-1] if self._running else None
        path = "" if running is None else self._paths.get(id(running), "")
        kind = "" if running is None or (not path and id(running) in self._paths) else _class_name(running)
        found = _where(sys._getframe(1), self._outer)  # noqa: SLF001
        call = found.function or found.source(name) or _operator(name)
        if isinstance(running, (nn.RNNBase, nn.MultiheadAttention)):
            call = "attention dropout" if isinstance(running, nn.MultiheadAttention) else "recurrent dropout"
        return Draw(call, path, kind, found.place, drops=found.dropped)


def _class_name(module: nn.Module) -> str:
    kind = type(module)
    return f"nn.{kind.__qualname__}" if kind.__module__.startswith("torch.nn.") else kind.__qualname__


class _Found(NamedTuple):
    """Where a draw came from."""

    function: str
    """The public function of torch or droplab that drew; empty where the model called an operator itself."""
    frame: FrameType | None
    """The innermost one of the model's own code."""
    dropped: bool
    """Whether it was a function of droplab's, which all drop."""

    @property
    def place(self) -> str:
        if self.frame is None:
            return ""
        code = self.frame.f_code
        return f"{short_path(code.co_filename)}:{self.frame.f_lineno} in {code.co_qualname}"

    def source(self, operator: str) -> str:
        """The line itself where it does not name the operator, as what torch calls there is not what is written."""
        if self.frame is None:
            return ""
        line = linecache.getline(self.frame.f_code.co_filename, self.frame.f_lineno).strip()
        return f"`{_shortened(line)}`" if line and operator not in line else ""


def _where(frame: FrameType | None, outer: CodeType | None) -> _Found:
    function, dropped = "", False
    while frame is not None and frame.f_code is not outer:
        code = frame.f_code
        file = code.co_filename
        if file.startswith(_OWN_DROPS):
            dropped, function = True, f"droplab.functional.{code.co_name}"
        elif file.startswith(_TORCH):
            if file.endswith(_FUNCTIONAL) and not code.co_name.startswith("_"):
                function = f"F.{code.co_name}"
        elif not file.startswith(_OWN) or file.startswith(_OWN_MODELS):
            return _Found(function, frame, dropped)
        frame = frame.f_back
    return _Found(function, None, dropped)


def place_in_model(frame: FrameType) -> str:
    """``my_model.py:31 in Net.forward``: the innermost line, from a frame on, of neither torch's code nor droplab's."""
    return _where(frame, None).place


def _shortened(line: str) -> str:
    return line if len(line) <= _LINE else f"{line[:_LINE]} …"


def _operator(name: str) -> str:
    """An operator as a model writes it."""
    if name.startswith(_ATTENTION):
        return "attention dropout"
    if any(word in name for word in ("rnn", "lstm", "gru")):
        return "recurrent dropout"
    if name in {"native_dropout", "_fused_dropout"}:
        return "dropout"
    return f"Tensor.{name}" if name.endswith("_") else f"torch.{name}"


def short_path(file: str) -> str:
    """A file as it is best read: from the working directory where it lies below it, else its last two parts.

    >>> short_path("/somewhere/else/models/net.py")
    'models/net.py'
    """
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(Path(*path.parts[-2:]))


def users_place(problem: BaseException) -> str:
    """``my_model.py:31 in Net.forward``: the innermost line of an exception that is neither torch's nor droplab's.

    >>> try:
    ...     nn.Linear(2, 2)(torch.ones(3))
    ... except RuntimeError as problem:
    ...     users_place(problem).endswith("in <module>")
    True
    """
    place, trace = "", problem.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith((_TORCH, _OWN)) and not stands_for_exit(code):
            place = f"{short_path(code.co_filename)}:{trace.tb_lineno} in {code.co_qualname}"
        trace = trace.tb_next
    return place
