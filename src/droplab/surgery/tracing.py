"""What a forward pass does, call by call: which function or module made a tensor, and of what."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from droplab.masks.internals import remove_global_hook
from droplab.surgery.draws import place_in_model
from droplab.surgery.functional import asked
from droplab.surgery.holders import is_dropout


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
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").strip("_")
        if name in {"get", "set"}:  # a tensor's attributes
            return func(*args, **kwargs)
        if (call := asked(func, args, kwargs)) is not None and call[1] and self._running:
            self._note(*call, args, kwargs)
        given = list(tensors((args, kwargs)))
        before = tuple(dict.fromkeys(self.node(value) for value in given if id(value) not in self._parameters))
        output = func(*args, **kwargs)
        named = tuple(self._parameters[id(value)] for value in given if id(value) in self._parameters)
        for value in tensors(output):
            place = place_in_model(sys._getframe(1)) if name in SUMS else ""  # noqa: SLF001  # as inspect does
            self._add(value, Node(name, before, named, place))
        return output

    def _note(self, door: str, p: float, args: Any, kwargs: Any) -> None:
        """Dropout by a function, of the innermost module that runs, unless that is a dropout layer."""
        module, called = self._running[-1]
        if id(module) in self._names and not is_dropout(module):
            shape = next((tuple(value.shape) for value in tensors((args, kwargs))), None)
            self.functions.setdefault((called.name, door), (p, shape))

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


def tensors(value: Any) -> Iterator[Tensor]:
    """The floating point tensors, and others, in whatever functions and modules take and give."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors(tuple(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors(item)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from tensors(tuple(vars(value).values()))
