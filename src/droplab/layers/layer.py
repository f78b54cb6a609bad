"""What all layers that drop have in common: a drop rate that may move, and a key while a model is keyed."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from droplab.errors import KeyingError, UserError
from droplab.layers.counting import backward_now, called_in_trace, count_call, counted_at_run_time
from droplab.layers.keying import Keying
from droplab.layers.tracing import leaf
from droplab.masks.checking import check_rate
from droplab.masks.internals import in_backward, never_traced
from droplab.masks.key import Key

_TWICE = (
    "{} was called twice in one step of droplab.keyed, which would give both calls the same mask. Use two layers with "
    "two names, or droplab.functional with a key of its own for each call."
)
_OUTSIDE = (
    "{} is recomputed (activation checkpointing) outside the `with droplab.keyed(...)` block of its forward pass, "
    "where its masks are unknown. Call backward() inside the block."
)
_NO_GRADIENT = (
    "{} got p = {}, which wants a gradient; none reaches a drop rate, as masks are not a smooth function of it. Give a "
    "number, or p.detach(); for rates that are learned: droplab.nn.ConcreteDropoutLinear and its like"
)
PASSING = frozenset({"_keying", "_layer_id", "_called", "_was_keyed", "_name", "_identity", "_token"})
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
    _called: bool = False
    _was_keyed: bool = False
    _name: str = ""
    _token: int = 0

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
        return state

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

    def penalty(self) -> Tensor | None:
        """What the layer adds to the negative log likelihood of all training samples together, in nats.

        A 0-d tensor: a Kullback-Leibler term. ``None`` where the variant has none.
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
        return function(input, self._current_rate(), True, key=self._key(input), **options)

    def _key(self, input: Tensor) -> Key | None:
        """The key of this call, or ``None`` where masks come from torch's generator.

        Raises:
            KeyingError: the layer was called before in this step, or is recomputed outside its ``keyed`` block.
        """
        keying = self._keying
        if keying is None:
            if self._was_keyed:
                self._left(torch.compiler.is_compiling())
            return None
        batch_dim = self.batch_dim
        samples = keying.samples
        if torch.compiler.is_compiling():
            seed, step = self._counted(keying.seed_tensor), keying.step_tensor
        else:
            seed, step = keying.seed, keying.step  # type: ignore[assignment]  # numbers are faster where they will do
            self._count()
        if batch_dim is None or input.ndim == 0:
            return Key(seed, self._layer_id, step, 0, None)
        dim = batch_dim % input.ndim
        if samples is None:
            first = keying.rank * input.shape[dim] if keying.rank else 0
            return Key(seed, self._layer_id, step, first, dim)
        return Key(seed, self._layer_id, step, samples, dim)

    @never_traced
    def _count(self) -> None:
        """One call a step; a call during backward is checkpointing's and draws the same mask again, as it should."""
        if in_backward():
            return
        if self._called:
            raise KeyingError(_TWICE.format(self._title()))
        if "_is_replica" in self.__dict__:
            raise KeyingError(
                f"{self._title()} is a replica of torch.nn.DataParallel, whose replicas would all draw the same masks. "
                "Use torch.nn.parallel.DistributedDataParallel, whose ranks count their samples apart"
            )
        self.__dict__.update(_called=True, _was_keyed=True)

    def _counted(self, seed: Tensor) -> Tensor:
        """The same in a graph, which gets the seed of a call that counts.

        A trace sees the calls of its own graph. A graph that comes after a break, or that is called again, is told
        apart by ``_called``: Dynamo guards its value and sets it when the graph has run. Where it may not be set
        (within checkpointed functions), or is set already (a second call, or a recomputation, which no trace can tell
        apart), an operator counts while the graph runs.
        """
        if called_in_trace(self._layer_id):
            raise ValueError(_TWICE.format(self._title()))  # as KeyingError is, whose making Dynamo does not trace
        if counted_at_run_time() or self._called:
            return count_call(seed, self._token)
        self._called = self._was_keyed = True
        return seed

    def _left(self, compiling: bool) -> None:
        """Called after a ``keyed`` block: by a next forward pass, or by a recomputation, which has no key."""
        if compiling:
            if backward_now():
                raise ValueError(_OUTSIDE.format(self._title()))
            if not counted_at_run_time():
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
        return ", ".join([self._shown_rate(), *(f"{name}={value!r}" for name, value in options if value is not None)])

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
