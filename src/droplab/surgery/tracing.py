"""What a forward pass does, call by call: which function or module made a tensor, and of what."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from droplab.layers.layer import DropLayer
from droplab.masks.internals import remove_global_hook
from droplab.surgery.draws import place_in_model
from droplab.surgery.functional import NAMES, asked
from droplab.surgery.holders import is_dropout
from droplab.surgery.seeded import can_be_seeded
from droplab.surgery.tensors import tensors
from droplab.surgery.twins import has_twin


@dataclass
class Node:
    """A tensor of the pass, and what made it."""

    function: str
    """As torch calls it, without underscores; empty for one that came from outside; ``dropout`` for dropout layers."""
    parents: tuple[int, ...]
    """Numbers of the nodes that it was made of; all smaller than its own."""
    parameters: tuple[str, ...] = ()
    place: str = ""
    """The line of the model's code, of sums only."""
    makers: list[str] = field(default_factory=list)
    """Modules that gave it, innermost first."""


@dataclass
class Called:
    """One call of a module."""

    name: str
    given: int | None
    """The node of the first tensor among its arguments."""
    shape: tuple[int, ...] | None
    gave: int | None = None
    gave_shape: tuple[int, ...] | None = None


class Tracer(TorchFunctionMode):
    """Within the ``with``, notes a model's forward pass. Tensors are held until it ends, so that each has one node."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.calls: list[Called] = []
        self.functions: dict[tuple[str, str], tuple[float, tuple[int, ...] | None]] = {}
        """Rate and shape of dropout by functions, by module and door."""
        self.otherwise: set[str] = set()
        """Modules that call such functions otherwise than by their names in ``torch.nn.functional``."""
        self._by_name = False
        self.drew: dict[str, bool] = {}
        """Modules that draw in a way that has no key, and whether from torch's generators alone."""
        self._known = 0
        """Calls in hand whose draws can be under keys."""
        self._running: list[tuple[nn.Module, Called]] = []
        self._names = {id(module): name for name, module in model.named_modules()}
        self._parameters = {id(value): name for name, value in model.named_parameters()}
        self._made: dict[int, tuple[Tensor, int]] = {}
        self._hooks: list[Any] = []

    def __enter__(self) -> Any:
        self._hooks = [
            register_module_forward_pre_hook(self._enters),
            register_module_forward_hook(self._leaves, with_kwargs=True, always_call=True),
        ]
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *problem: object) -> None:
        super().__exit__(*problem)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            remove_global_hook(hook)
        self._made.clear()
        self._running.clear()

    def run(self, model: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """The model's output."""
        return NAMES.run(self, model, inputs, named)

    def called(self, func: Any, args: Any, kwargs: Any) -> Any:
        """A function was called by its name in ``torch.nn.functional``; under a mode, it tells of itself next."""
        self._by_name = True
        try:
            return func(*args, **kwargs)
        finally:
            self._by_name = False

    def draws(self, own: bool) -> None:
        """An operator draws, from a generator of its own or from torch's."""
        inner = [module for module, _ in self._running if id(module) in self._names]
        if self._known or not inner or isinstance(inner[-1], DropLayer) or has_twin(inner[-1]):
            return
        around = next((module for module in reversed(inner) if can_be_seeded(module)), inner[0])
        name = self._names[id(around)]
        self.drew[name] = self.drew.get(name, True) and not own

    def node(self, value: Tensor) -> int:
        """The number of a tensor's node; one that came from outside gets one."""
        known = self._made.get(id(value))
        return self._add(value, Node("", ())) if known is None else known[1]

    def _add(self, value: Tensor, node: Node) -> int:
        self.nodes.append(node)
        self._made[id(value)] = value, len(self.nodes) - 1
        return len(self.nodes) - 1

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry a function out and note what it made of what."""
        kwargs, func = kwargs or {}, NAMES.plain.get(func, func)
        name = getattr(func, "__name__", "").strip("_")
        if name in {"get", "set"}:  # a tensor's attributes
            name = getattr(getattr(func, "__self__", None), "__name__", "") if name == "get" else ""
            if name not in _TURNED:
                return func(*args, **kwargs)
        call = asked(func, args, kwargs)
        known = call is not None and bool(call[1]) and self._noted(*call, args, kwargs)
        given = list(tensors((args, kwargs)))
        before = tuple(dict.fromkeys(self.node(value) for value in given if id(value) not in self._parameters))
        self._known += known
        try:
            output = func(*args, **kwargs)
        finally:
            self._known -= known
        named = tuple(self._parameters[id(value)] for value in given if id(value) in self._parameters)
        for value in tensors(output):
            place = place_in_model(sys._getframe(1)) if name in SUMS else ""  # noqa: SLF001  # as inspect does
            self._add(value, Node(name, before, named, place))
        return output

    def _noted(self, door: str, p: float, args: Any, kwargs: Any) -> bool:
        """Whether dropout by a function is that of a module's own, and no dropout layer."""
        module, called = self._running[-1] if self._running else (None, None)
        by_name, self._by_name = self._by_name, False
        if called is None or id(module) not in self._names or is_dropout(module):
            return False
        if not by_name:
            self.otherwise.add(called.name)
        shape = next((tuple(value.shape) for value in tensors((args, kwargs))), None)
        self.functions.setdefault((called.name, door), (p, shape))
        return True

    def _enters(self, module: nn.Module, args: Any) -> None:
        first = next(tensors(args), None)
        shape = None if first is None else tuple(first.shape)
        called = Called(self._names.get(id(module), ""), None if first is None else self.node(first), shape)
        self._running.append((module, called))
        if id(module) in self._names:
            self.calls.append(called)

    def _leaves(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        while self._running:
            running, called = self._running.pop()
            if running is module:
                break
        else:
            return
        given = list(tensors((args, kwargs)))
        if called.given is None and given:  # by name, which hooks before a call are not told
            called.given, called.shape = self.node(given[0]), tuple(given[0].shape)
        for number, value in enumerate(tensors(output)):
            if is_dropout(module) and given and value is not given[0]:
                self._add(value, Node("dropout", (self.node(given[0]),)))
            elif id(value) not in self._made:  # made by what no mode sees, such as an autograd function
                self._add(value, Node("", tuple(dict.fromkeys(map(self.node, given)))))
            place = self._made[id(value)][1]
            if id(module) in self._names:
                self.nodes[place].makers.append(called.name)
            if not number:
                called.gave, called.gave_shape = place, tuple(value.shape)


SUMS = frozenset({"add", "radd", "iadd"})
_TURNED = frozenset({"T", "mT", "H", "mH"})
"""Attributes that are views."""
