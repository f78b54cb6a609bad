"""What ``run.epochs`` keeps from epoch to epoch and over interruptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from droplab.errors import UserError, quote, words_of

_PLAIN = (bool, int, float, str, type(None))
_SHARDED = ("ZeroRedundancyOptimizer", "DeepSpeedZeroOptimizer")


def is_stateful(value: Any) -> bool:
    """Whether it has a state that can be taken and given back."""
    return isinstance(value, torch.Generator) or all(
        callable(getattr(value, name, None)) for name in ("state_dict", "load_state_dict")
    )


def state_of(value: Any) -> Any:
    """The state of something stateful."""
    return value.get_state() if isinstance(value, torch.Generator) else value.state_dict()


def give_back(name: str, value: Any, state: Any) -> None:
    """The inverse.

    Raises:
        UserError: it does not take its own state.
    """
    try:
        if isinstance(value, torch.Generator):
            value.set_state(state)
        else:
            value.load_state_dict(state)
    except Exception as problem:
        raise UserError(
            f"{name}, a {type(value).__name__}, does not take back the state it gave ({words_of(problem)}); an "
            "interrupted run could not go on. See that load_state_dict takes what state_dict gives, or that the loop "
            f"builds {name} as it did"
        ) from problem


def is_plain(value: Any) -> bool:
    """Whether a checkpoint keeps a value as it is: numbers, words, tensors, and lists and tables of such.

    >>> is_plain({"best": [0.5, None]}), is_plain(object())
    (True, False)
    """
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(inner) for key, inner in value.items())
    if type(value) in {list, tuple}:
        return all(map(is_plain, value))
    return type(value) in _PLAIN or type(value) in {torch.Tensor, torch.nn.Parameter}


def sorted_out(keep: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What has a state, and plain values.

    Raises:
        UserError: something that is neither; or a state of which each rank has a part.
    """
    stateful = {name: value for name, value in keep.items() if is_stateful(value)}
    for name, value in stateful.items():
        if type(value).__name__ in _SHARDED:
            raise UserError(
                f"{name} is a {type(value).__name__}, whose state is sharded over ranks, and droplab keeps whole "
                "states only; take a plain optimiser, with DistributedDataParallel"
            )
    plain = {name: value for name, value in keep.items() if name not in stateful}
    check_plain(plain)
    return stateful, plain


def check_plain(values: Mapping[str, Any]) -> None:
    """Raise ``UserError`` where a value is one that a checkpoint does not keep."""
    for name, value in values.items():
        if not is_plain(value):
            raise UserError(
                f"{name} is a {type(value).__name__}, {quote(value)}, which cannot be kept over an interruption; give "
                "something with state_dict and load_state_dict, a number, a text, a tensor, or lists and tables of such"
            )
