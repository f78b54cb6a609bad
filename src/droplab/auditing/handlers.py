"""Functions of torch that drop or draw: for each, how its rate, its mode and its input are read from a call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from droplab.auditing.executed import What


class Read(NamedTuple):
    """What is known of a call before it is carried out."""

    function: str
    what: What
    p: float | None
    active: bool
    input: Tensor | None
    inplace: bool = False
    drops: bool = True


Handler = Callable[[str, tuple[Any, ...], dict[str, Any]], Read]

_DROPS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
_OPERATORS = tuple(f"{name}{end}" for name in (
    "dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout") for end in ("", "_"))  # fmt: skip
_RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")
_RANDOM = (
    "bernoulli", "rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm", "normal",
    "multinomial", "poisson", "bernoulli_", "normal_", "uniform_", "exponential_", "geometric_", "cauchy_",
    "log_normal_", "random_",
)  # fmt: skip


@cache
def _signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def _bound(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    bound = _signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.arguments


def _rate(p: Any) -> float | None:
    return float(p) if isinstance(p, (int, float)) or (isinstance(p, Tensor) and p.numel() == 1) else None


def _dropout(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Read:
    given = _bound(getattr(F, name), args, kwargs)
    p = _rate(given["p"])
    active = bool(given["training"]) and p != 0
    return Read(f"F.{name}", "function", p, active, given["input"], bool(given["inplace"]))


def _operator(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Read:
    given = dict(zip(("input", "p", "train"), args, strict=False)) | kwargs
    p = _rate(given["p"])
    return Read(f"torch.{name}", "function", p, bool(given["train"]) and p != 0, given["input"], name.endswith("_"))


def _attention(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Read:
    names = ("query", "key", "value", "attn_mask", "dropout_p")
    given = dict(zip(names, args, strict=False)) | kwargs
    p = _rate(given.get("dropout_p", 0.0))
    return Read(f"F.{name}", "attention", p, p != 0, given["query"])


def _multi_head(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Read:
    given = _bound(F.multi_head_attention_forward, args, kwargs)
    p = _rate(given["dropout_p"])
    return Read(f"F.{name}", "attention", p, bool(given["training"]) and p != 0, given["query"])


def _recurrent(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Read:
    given = [*args, *kwargs.values()]
    at = next(number for number, value in enumerate(given) if isinstance(value, bool))
    layers, p, training = given[at + 1 : at + 4]
    return Read(f"torch.{name}", "recurrent", _rate(p), bool(training) and p != 0 and layers > 1, given[0])


def _random(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Read:
    """A draw that becomes dropout only by what is done with it."""
    shown = f"Tensor.{name}" if name.endswith("_") else f"torch.{name}"
    p: Any = None
    if name == "bernoulli_":
        p = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
    elif name == "bernoulli":
        p = args[1] if len(args) > 1 else kwargs.get("p", args[0] if args else kwargs.get("input"))
    if isinstance(p, Tensor):
        with torch.no_grad():
            p = float(p.flatten()[0]) if p.numel() and bool((p == p.flatten()[0]).all()) else None
    return Read(shown, "noise", None if p is None else 1 - float(p), True, None, drops=False)


def _always(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Read:
    """Functions of torch that draw noise of their own."""
    x = args[0] if args else kwargs.get("input", kwargs.get("logits"))
    training = bool(kwargs.get("training", args[3] if len(args) > 3 else False)) if name.startswith("rrelu") else True
    return Read(f"F.{name}", "noise", None, training, x, drops=False)


def _table() -> dict[Any, tuple[str, Handler]]:
    found: dict[Any, tuple[str, Handler]] = {}
    for name in _OPERATORS:
        found[getattr(torch, name)] = name, _operator
    for name in _DROPS:
        found[getattr(F, name)] = name, _dropout
    found[F.scaled_dot_product_attention] = "scaled_dot_product_attention", _attention
    found[F.multi_head_attention_forward] = "multi_head_attention_forward", _multi_head
    for name in _RECURRENT:
        found[getattr(torch, name)] = name, _recurrent
    for name in _RANDOM:
        for home in (torch, Tensor):
            if hasattr(home, name):
                found[getattr(home, name)] = name, _random
    for name in ("gumbel_softmax", "rrelu", "fractional_max_pool2d_with_indices", "fractional_max_pool3d_with_indices"):
        found[getattr(F, name)] = name, _always
    return found


TABLE = _table()


def read(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Read | None:
    """What a call of a function of torch is; ``None`` where it neither drops nor draws.

    >>> read(F.dropout, (torch.ones(2, 3),), {"p": 0.2, "training": False})[:4]
    ('F.dropout', 'function', 0.2, False)
    >>> read(torch.relu, (torch.ones(2),), {}) is None
    True
    """
    try:
        known = TABLE.get(function)
    except TypeError:  # not to be hashed
        return None
    return None if known is None else known[1](known[0], args, kwargs)
