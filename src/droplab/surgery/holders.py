"""What holds the rate of a site: a layer, a number of a module's, or one call of a layer. Each has a ``p``."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn

from droplab.errors import SiteError, UserError
from droplab.layers.by_call import set_call_rate
from droplab.layers.layer import DropLayer, rate_of
from droplab.layers.learned import LearnedRate
from droplab.layers.serving import Function
from droplab.layers.unreached import TORCHS, drops_by_number


def is_dropout(module: nn.Module | None) -> bool:
    """Whether a module is one of torch's dropout layers, one of droplab's, or a subclass of one.

    >>> is_dropout(nn.Dropout(0.5)), is_dropout(nn.Linear(1, 1))
    (True, False)
    """
    return isinstance(module, (*TORCHS, DropLayer))


class OwnRate:
    """A module's number as what drops at a site: attention's probabilities, a recurrent stack's layers.

    Its site is the attribute's name, ``encoder.self_attn.dropout``: a rate can be set, a kind cannot.

    >>> rate = OwnRate(nn.MultiheadAttention(4, 2, dropout=0.1))
    >>> rate.p = 0.2; rate.p
    0.2
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    @property
    def p(self) -> float:
        """Drop rate: the probability that a unit is dropped."""
        rate: Any = self.module.dropout
        return float(rate)

    @p.setter
    def p(self, value: float) -> None:
        self.module.dropout = float(value)  # type: ignore[assignment]  # a plain attribute that Module's types do not know


class CallRate:
    """One call of a layer in a forward pass as what drops at a site, ``dropout#2``.

    A call has the rate of its layer until it is given one of its own; ``p = None`` takes that away again.

    >>> import droplab
    >>> layer = droplab.nn.Dropout(0.1)
    >>> rate = CallRate(layer, 2)
    >>> rate.p = 0.5; rate.p, layer
    (0.5, Dropout(p=0.1, #2=0.5, inplace=False))
    """

    def __init__(self, module: DropLayer, call: int) -> None:
        if isinstance(module, LearnedRate):
            raise SiteError(f"calls of a {type(module).__name__} have no rates of their own: it learns one for all")
        self.module, self.call = module, call

    @property
    def p(self) -> float:
        """Drop rate: the probability that a unit is dropped."""
        own = self.module.__dict__.get("_call_p") or {}
        return float(own.get(self.call, self.module.p))

    @p.setter
    def p(self, value: float | None) -> None:
        set_call_rate(self.module, self.call, value)

    @property
    def own(self) -> float | None:
        """The call's own rate, if it has one."""
        return (self.module.__dict__.get("_call_p") or {}).get(self.call)


class FunctionRate:
    """What a module drops by a function, ``attn:dropout``: each call has the rate that the model gives it.

    A ``p`` that is set holds for all of them; ``p = None`` leaves them to the model again.
    """

    def __init__(self, module: nn.Module, function: Function) -> None:
        self.module, self.function = module, function

    @property
    def p(self) -> float:
        """Drop rate: the probability that a unit is dropped; before one is set, that of the first call seen."""
        return float(self.function.p)

    @p.setter
    def p(self, value: float | None) -> None:
        self.function.given = value is not None
        if value is not None:
            self.function.p = value


class Seen(NamedTuple):
    """Dropout that was seen in a forward pass, and that nothing here has a hand on."""

    p: float


FUNCTION_DOORS = ("dropout", "attention", "recurrent")
"""Doors of what a module drops by a function."""


def checked_rate(value: Any, site: str) -> float:
    """A drop rate for a site.

    Raises:
        UserError: something else than a number in [0, 1].

    >>> checked_rate("0.2", "drop1")
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: drop1 got p = '0.2' (str); a number in [0, 1], or a 0-d tensor, is wanted
    """
    if isinstance(value, Tensor):
        raise UserError(
            f"{site} got p = {value!r}; a number in [0, 1] is wanted. A tensor that moves is given to the layer of "
            "droplab's itself: layer.p = tensor"
        )
    rate: float = rate_of(value, site)
    return rate


def calls_with_rates(module: nn.Module) -> dict[int, CallRate]:
    """The calls of a layer that have rates of their own."""
    own = module.__dict__.get("_call_p") if isinstance(module, DropLayer) else None
    return {call: CallRate(module, call) for call in sorted(own or {})}  # type: ignore[arg-type]  # a DropLayer, if any


def own_rates(model: nn.Module) -> dict[str, OwnRate]:
    """Every number of a model's modules by which they drop, by its site.

    >>> list(own_rates(nn.TransformerEncoderLayer(8, 2, 8)))
    ['self_attn.dropout']
    """
    return {
        f"{name}.dropout".lstrip("."): OwnRate(module)
        for name, module in model.named_modules()
        if drops_by_number(module)
    }
