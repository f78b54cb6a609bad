"""What all layers that drop have in common: a drop rate that may move, and a key while a model is keyed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from droplab.errors import KeyingError
from droplab.functional.checking import check_rate
from droplab.functional.internals import assume_constant, current_trace, in_backward
from droplab.functional.key import Key


class Keying:
    """What ``droplab.keyed`` puts on every layer of a model for the time of a step."""

    def __init__(self, seed: int | Tensor, step: int | Tensor, samples: Tensor | None, rank: int, device: Any) -> None:
        self.seed, self.step, self.samples, self.rank = seed, step, samples, rank
        self.seed_tensor = _on_device(seed, device)
        self.step_tensor = _on_device(step, device)


def _on_device(value: int | Tensor, device: Any) -> Tensor:
    """0-d int64; what compiled graphs take, so that a new value compiles nothing."""
    if isinstance(value, Tensor):
        return value
    wrapped = (value + (1 << 63)) % (1 << 64) - (1 << 63)
    return torch.tensor(wrapped, dtype=torch.int64, device=device)


class DropLayer(nn.Module):
    """Base of droplab's layers.

    A subclass calls ``self._key(input)`` in training and hands the result to a function of ``droplab.functional``:
    it is ``None`` outside ``droplab.keyed``, where the mask then comes from torch's default generator.

    Attributes:
        p: drop rate in [0, 1]; a float, or a 0-d tensor. A new value compiles nothing anew.
        key_name: names the layer's masks in place of its name in the model.
        batch_dim: the dimension of samples in the layer's input; ``None`` where there is none.
    """

    key_name: str | None = None
    batch_dim: int | None = 0

    _keying: Keying | None = None
    _layer_id: int = 0
    _called: bool = False
    _was_keyed: bool = False

    @property
    def p(self) -> Any:
        """Drop rate: the probability that a unit is dropped."""
        return self.__dict__["_p"]

    @p.setter
    def p(self, value: float | Tensor) -> None:
        check_rate(value)
        if isinstance(value, Tensor):
            self.__dict__.update(_p=value, _rate=value)
            return
        rate = self.__dict__.get("_rate")
        if rate is None or rate is self.__dict__["_p"]:
            self.__dict__["_rate"] = torch.tensor(value, dtype=torch.float64, device="cpu")
        else:
            rate.fill_(value)
        self.__dict__["_p"] = value

    def penalty(self) -> Tensor | None:
        """What the layer adds to the negative log likelihood of all training samples together, in nats.

        A 0-d tensor: a Kullback-Leibler term. ``None`` where the variant has none.
        """
        return None

    def _current_rate(self) -> float | Tensor:
        """``p`` for a call: a tensor in graphs, which then hold for every value."""
        rate: float | Tensor = self.__dict__["_rate" if torch.compiler.is_compiling() else "_p"]
        return rate

    def _key(self, input: Tensor) -> Key | None:  # noqa: A002  # torch's name
        """The key of this call, or ``None`` where masks come from torch's generator.

        Raises:
            KeyingError: the layer was called before in this step, or is recomputed outside its ``keyed`` block.
        """
        keying = self._keying
        if keying is None:
            if self._was_keyed and not torch.compiler.is_compiling():
                if in_backward():
                    raise KeyingError(
                        f"{self._title()} is recomputed (activation checkpointing) outside the `with "
                        "droplab.keyed(...)` block of its forward pass, where its masks are unknown. "
                        "Call backward() inside the block."
                    )
                self.__dict__["_was_keyed"] = False
            return None
        batch_dim = self.batch_dim
        samples = keying.samples
        if torch.compiler.is_compiling():
            seed, step = keying.seed_tensor, keying.step_tensor
            if _called_in_trace(self._layer_id):
                raise KeyingError(_TWICE.format(self._layer_id))
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

    def _count(self) -> None:
        """One call a step; a call during backward is checkpointing's and draws the same mask again, as it should."""
        if in_backward():
            return
        if self._called:
            raise KeyingError(_TWICE.format(self._title()))
        self.__dict__.update(_called=True, _was_keyed=True)

    def _title(self) -> str:
        return f"layer {self.key_name or self.__dict__.get('_name', '')!r} ({type(self).__name__})"

    def extra_repr(self) -> str:
        """As torch's layers."""
        shown = float(self.p) if isinstance(self.p, Tensor) else self.p
        inplace = self.__dict__.get("inplace")
        return f"p={shown}" if inplace is None else f"p={shown}, inplace={inplace}"


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


_TWICE = (
    "{} was called twice in one step of droplab.keyed, which would give both calls the same mask. Use two layers with "
    "two names, or droplab.functional with a key of its own for each call."
)


def _traced_before(layer: int) -> bool:
    """Whether the graph that is being traced has called the layer already; remembered with the trace, not by code."""
    trace = current_trace()
    if trace is None:
        return False
    seen: set[int] = trace.setdefault("_droplab_layers", set())
    before = layer in seen
    seen.add(layer)
    return before


_called_in_trace: Callable[[int], bool] = assume_constant(_traced_before)
