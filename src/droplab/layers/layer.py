"""What all layers that drop have in common: a drop rate that may move, and a key while a model is keyed."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from droplab.errors import KeyingError, UserError
from droplab.layers.by_call import rate_of_call, refuse_one_rate, set_call_rate
from droplab.layers.counting import (
    backward_now,
    call_in_trace,
    count_call,
    id_of,
    nth_in_trace,
    within_body,
    within_recomputed,
)  # fmt: skip
from droplab.layers.keying import Keying
from droplab.layers.tracing import leaf
from droplab.masks.checking import check_rate
from droplab.masks.internals import generator_restored, in_backward, may_be_recomputed, never_traced
from droplab.masks.key import Key
from droplab.masks.seeds import mark

_UNKNOWN = (
    "{} is recomputed (activation checkpointing), and which of its {} calls this is cannot be told: the state of "
    "torch's CPU generator tells, and is not what it was in the forward pass, or was the same for several of them. "
    "Leave preserve_rng_state=True and set no seed between the calls (torch.manual_seed, fork_rng), or use a layer for "
    "each call."
)
_OUTSIDE = (
    "{} is recomputed (activation checkpointing) outside the `with droplab.keyed(...)` block of its forward pass, "
    "where its masks are unknown. Call backward() inside the block."
)
_IN_GRAPH = (
    "{} was compiled within a function that is checkpointed outside the graph, or in a region that is compiled once. "
    "It then holds for one call; this is call {}. Compile the whole model, or checkpoint inside what is compiled."
)
_NO_GRADIENT = (
    "{} got p = {}, which wants a gradient; none reaches a drop rate, as masks are not a smooth function of it. Give a "
    "number, or p.detach(); for rates that are learned: droplab.nn.ConcreteDropoutLinear and its like"
)
PASSING = frozenset({
    "_keying", "_layer_id", "_calls", "_calls_in_graphs", "_marks", "_was_keyed", "_name", "_identity", "_token",
    "_begins",
})  # fmt: skip
"""What a layer has for a step only. No copy and no pickle has it: a copy made within ``keyed`` is not keyed."""


class DropLayer(nn.Module):
    """Base of droplab's layers.

    A subclass calls ``self._key(input)`` in training and hands the result to a function of ``droplab.functional``:
    it is ``None`` outside ``droplab.keyed``, where the mask then comes from torch's default generator. Where that is
    all it does, ``self._in_training(function, input, **options)`` does it.

    Attributes:
        p: drop rate in [0, 1]; a float, or a 0-d tensor. A new value compiles nothing anew.
        key_name: names the layer's masks in place of its name in the model.
        batch_dim: the dimension of samples in the layer's input; ``None`` where there is none.
    """

    key_name: str | None = None
    batch_dim: int | None = 0

    shown: ClassVar[tuple[str, ...]] = ("inplace",)
    """Options that ``repr`` shows after the rate, where they are not ``None``."""

    _keying: Keying | None = None
    _layer_id: int = 0
    _calls: int = 0
    _calls_in_graphs: int = 0
    _marks: dict[int, int] | None = None
    _was_keyed: bool = False
    _name: str = ""
    _token: int = 0
    _begins: tuple[int, ...] = ()
    _call_p: dict[int, Any] | None = None
    _call_rates: dict[int, Tensor] | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Every subclass is a leaf for ``torch.fx``, as torch's layers are."""
        super().__init_subclass__(**options)
        if "forward" in cls.__dict__:
            cls.forward = leaf(cls.forward)

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles have: all but the key of a step."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[no-untyped-call]
        state = {name: value for name, value in state.items() if name not in PASSING}
        if state.get("_rate") is not state.get("_p"):  # a shallow copy's rate, when set, is not the original's
            state["_rate"] = state["_rate"].clone()
        if state.get("_call_p"):
            state["_call_p"] = dict(state["_call_p"])
            state["_call_rates"] = {call: rate.clone() for call, rate in state["_call_rates"].items()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As torch's; calls with rates of their own are counted in copies too."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]  # torch has not typed it
        for call, rate in (self._call_p or {}).items():
            set_call_rate(self, call, rate)

    def __prepare_scriptable__(self) -> Any:
        """Asked by ``torch.jit.script``, which compiles Python that it knows and nothing else."""
        raise UserError(
            f"torch.jit.script cannot take droplab.nn.{type(self).__name__}. Take droplab's layers out first (undo() "
            "of what droplab.replace or droplab.apply_rates returned), or use torch.compile or torch.export"
        )

    def register_parameter(self, name: str, param: nn.Parameter | None) -> None:
        """As torch's; a parameter for ``p`` is refused, since no gradient would reach it."""
        if name == "p":
            raise UserError(_NO_GRADIENT.format(type(self).__name__, "a Parameter"))
        super().register_parameter(name, param)

    @property
    def p(self) -> Any:
        """Drop rate: the probability that a unit is dropped."""
        return self.__dict__["_p"]

    @p.setter
    def p(self, value: float | Tensor) -> None:
        value = rate_of(value, type(self).__name__)
        if isinstance(value, Tensor):
            self.__dict__.update(_p=value, _rate=value)
            return
        rate = self.__dict__.get("_rate")
        if rate is None or rate is self.__dict__["_p"]:
            self.__dict__["_rate"] = torch.tensor(value, dtype=torch.float64, device="cpu")
        else:
            rate.fill_(value)
        self.__dict__["_p"] = value

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """The number that graphs read goes where the parameters go."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch has not typed it
        self.settle(fn(torch.empty(0, device="cpu")).device)
        return self

    def settle(self, device: torch.device) -> None:
        """Put the number that graphs read where they compute: one on the CPU would be frozen in a CUDA graph.

        A tensor that was given as ``p`` stays where its owner put it.
        """
        rate = self.__dict__.get("_rate")
        if rate is not None and rate is not self.__dict__["_p"] and device.type != "meta":
            self.__dict__["_rate"] = rate.to(device)
        for call, rate in (self._call_rates or {}).items():
            self.__dict__["_call_rates"][call] = rate.to(device)

    def penalty(self) -> Tensor | None:
        """What the layer adds to the negative log likelihood of all training samples together, in nats.

        A 0-d tensor: a Kullback-Leibler term. ``None`` where the kind has none.
        """
        return None

    def _current_rate(self) -> float | Tensor:
        """``p`` for a call: a tensor in graphs, which then hold for every value."""
        rate: float | Tensor = self.__dict__["_rate" if torch.compiler.is_compiling() else "_p"]
        return rate

    def _in_training(self, function: Callable[..., Tensor], input: Tensor, **options: Any) -> Tensor:
        """The input itself in eval mode; in training what a function gives, at the rate and under the key of now."""
        if not self.training:
            return input
        rate, key = self._rated(input)
        return function(input, rate, True, key=key, **options)

    def _rated(self, input: Tensor) -> tuple[float | Tensor, Key | None]:
        """Rate and key of this call."""
        number, key = self._numbered(input)
        return (self._current_rate() if self._call_p is None else rate_of_call(self, number)), key

    def _key(self, input: Tensor) -> Key | None:
        """The key of this call, or ``None`` where masks come from torch's generator.

        A second call in a block has the key of a layer that is called ``"name#2"``, and so on.

        Raises:
            KeyingError: the layer is recomputed outside its ``keyed`` block, or it cannot be told which call that is.
            SiteError: calls have rates of their own, which come with the key from ``_rated``.
        """
        if self._call_p is not None:
            refuse_one_rate(self)
        return self._numbered(input)[1]

    def _numbered(self, input: Tensor) -> tuple[int, Key | None]:
        """Which call of the block this is, and its key; 0 where the layer is not keyed."""
        keying = self._keying
        if keying is None:
            if self._was_keyed:
                self._left(torch.compiler.is_compiling())
            return 0, None
        batch_dim = self.batch_dim
        samples = keying.samples
        if torch.compiler.is_compiling():
            number, seed = self._counted(keying.seed_tensor)
            layer = self._layer_id if number == 1 else nth_in_trace(self._token, number)
            if layer < 0:
                layer, seed = ~layer, count_call(seed, self._token, number)
            step = keying.step_tensor
        else:
            seed, step = keying.seed, keying.step  # type: ignore[assignment]  # numbers are faster where they will do
            number = self._count()
            layer = self._layer_id if number == 1 else self.nth(number)
        if batch_dim is None or input.ndim == 0:
            return number, Key(seed, layer, step, 0, None)
        dim = batch_dim % input.ndim
        if samples is None:
            first = keying.rank * input.shape[dim] if keying.rank else 0
            return number, Key(seed, layer, step, first, dim)
        return number, Key(seed, layer, step, samples, dim)

    @never_traced
    def _count(self) -> int:
        """Which call of the block this is, from 1 on; during backward, which one is recomputed.

        A call within a checkpointed function leaves a mark that its recomputation finds again: a number drawn from
        torch's CPU generator, whose state checkpointing restores, however segments are nested and ordered.
        """
        state = self.__dict__
        calls: int = max(state["_calls"], state["_calls_in_graphs"]) if state["_calls_in_graphs"] else state["_calls"]
        if in_backward():
            return self._counted_before(calls)
        if "_is_replica" in state:
            raise KeyingError(
                f"{self._title()} is a replica of torch.nn.DataParallel, whose replicas would all draw the same masks. "
                "Use torch.nn.parallel.DistributedDataParallel, whose ranks count their samples apart"
            )
        state["_calls"] = calls + 1
        state["_was_keyed"] = True
        if may_be_recomputed():
            marks, found = state["_marks"] or {}, mark()
            marks[found] = 0 if found in marks else calls + 1  # 0: the generator was set back between calls
            state["_marks"] = marks
        return calls + 1

    def _counted_before(self, calls: int) -> int:
        marks = self._marks
        found = None if marks is None else marks.get(mark())
        if found:
            return found
        if calls > 1:
            raise KeyingError(_UNKNOWN.format(self._title(), calls))
        if (marks or not calls) and generator_restored():  # what has no mark then was not called in this block
            raise KeyingError(_OUTSIDE.format(self._title()))
        return 1

    def _counted(self, seed: Tensor) -> tuple[int, Tensor]:
        """The same in a graph, and the seed of a call that counts.

        A trace sees the calls of its own graph. What was called before it in the block is told by ``_calls``: Dynamo
        guards its value and sets it when the graph has run. Where it may not be set (within checkpointed functions), or
        says nothing (in a backward pass), an operator counts while the graph runs.
        """
        if within_recomputed():
            number = call_in_trace(self._layer_id, 0)
            return number, count_call(seed, self._token, number)
        number = call_in_trace(self._layer_id, max(self._calls, self._calls_in_graphs))
        if within_body():
            return number, count_call(seed, self._token, number)
        self._calls = number
        self._was_keyed = True
        return number, seed

    def count_in_graph(self, number: int) -> None:
        """A graph that holds this call runs.

        Raises:
            KeyingError: the number is taken: the graph was called before in this block, and holds for one call; or
                another layer has the call's id.
        """
        if in_backward():
            return
        if number > 1:
            self.nth(number)
        calls = max(self._calls, self._calls_in_graphs)
        if number <= calls:
            raise KeyingError(_IN_GRAPH.format(self._title(), calls + 1))
        self.__dict__.update(_calls_in_graphs=number, _was_keyed=True)

    def name_of(self, number: int) -> str:
        """Of a call that is not the first."""
        return f"{self.key_name or self._name}#{number}"

    def nth(self, number: int) -> int:
        """The id of a call that is not the first.

        Raises:
            KeyingError: another layer has that id.
        """
        keying, found = self._keying, id_of(self.name_of(number))
        if keying is not None:
            other, call = keying.calls.setdefault(found, (self, number))
            if (other, call) != (self, number):
                raise KeyingError(
                    f"call {number} of {self._title()} and call {call} of {other._title()} have the same id, so their "  # noqa: SLF001  # ours
                    "masks would be equal. Give one of them a name of its own: layer.key_name = '...'"
                )
        return found

    def _left(self, compiling: bool) -> None:
        """Called after a ``keyed`` block: by a next forward pass, or by a recomputation, which has no key."""
        if compiling:
            if within_recomputed():
                if backward_now():
                    raise ValueError(_OUTSIDE.format(self._title()))
            elif not within_body():
                self._was_keyed = False
        else:
            self._left_eagerly()

    @never_traced
    def _left_eagerly(self) -> None:
        if in_backward():
            raise KeyingError(_OUTSIDE.format(self._title()))
        self.__dict__["_was_keyed"] = False

    def _title(self) -> str:
        return f"layer {self.key_name or self._name!r} ({type(self).__name__})"

    def extra_repr(self) -> str:
        """As torch's layers."""
        options = ((name, getattr(self, name, None)) for name in self.shown)
        shown = [f"#{call}={rate}" for call, rate in sorted((self._call_p or {}).items())]
        shown += [f"{name}={value!r}" for name, value in options if value is not None]
        return ", ".join([self._shown_rate(), *shown])

    def _shown_rate(self) -> str:
        return f"p={float(self.p) if isinstance(self.p, Tensor) else self.p}"


def rate_of(value: Any, name: str) -> Any:
    """A drop rate as a layer keeps it: a number in [0, 1], or a 0-d tensor that wants no gradient.

    Raises:
        UserError: anything else.

    >>> rate_of(True, "Dropout")
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: Dropout got p = True (bool); a number in [0, 1], or a 0-d tensor, is wanted
    """
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise UserError(_NO_GRADIENT.format(name, "a tensor"))
    elif isinstance(value, bool) or not isinstance(value, Real):
        raise UserError(
            f"{name} got p = {value!r} ({type(value).__name__}); a number in [0, 1], or a 0-d tensor, is wanted"
        )
    elif type(value) not in {int, float}:
        value = float(value)  # NumPy's
    check_rate(value)
    return value


def penalty(model: nn.Module) -> Tensor | None:
    """The penalties of a model's layers together; ``None`` where no layer has one.

    Add it to the mean loss, divided by the number of training samples::

        loss = cross_entropy(model(x), y)
        extra = droplab.nn.penalty(model)
        if extra is not None:
            loss = loss + extra / len(training_set)

    >>> penalty(nn.Sequential(nn.Linear(2, 2))) is None
    True
    """
    found = [layer.penalty() for layer in model.modules() if isinstance(layer, DropLayer)]
    terms = [term for term in found if term is not None]
    return torch.stack(terms).sum() if terms else None
