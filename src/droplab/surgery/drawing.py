"""Operators that draw random numbers, by what torch itself says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_RATES = ("dropout_p", "dropout", "p")
"""Arguments of operators that drop by themselves, in the order in which they are looked for."""
_BY_THEMSELVES = ("dropout", "attention", "rnn", "lstm", "gru")


def arguments(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What an operator is given, by name, with its defaults."""
    known = func._schema.arguments  # noqa: SLF001  # an operator's signature has no other door
    given = {argument.name: argument.default_value for argument in known}
    given.update({argument.name: value for argument, value in zip(known, args, strict=False)})
    return given | kwargs


def draws(func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether an operator draws random numbers in this call: what is told to drop nothing draws none."""
    known = func._schema.arguments  # noqa: SLF001
    if torch.Tag.nondeterministic_seeded not in func.tags and not any(a.name == "generator" for a in known):
        return False
    own = any(word in name for word in _BY_THEMSELVES)
    if not own and not name.startswith("rrelu"):
        return True
    given = arguments(func, args, kwargs)
    if given.get("train", given.get("training")) is False:
        return False
    return not own or bool(next((given[rate] for rate in _RATES if given.get(rate) is not None), 1.0))


class Drawing(TorchDispatchMode):
    """Within the ``with``, tells of each operator that draws, and whether from a generator that it was given."""

    def __init__(self, tell: Callable[[bool], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tell = tell

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carry an operator out and tell of it."""
        kwargs = kwargs or {}
        if draws(func, func.name().partition("::")[2].partition(".")[0], args, kwargs):
            self._tell(arguments(func, args, kwargs).get("generator") is not None)
        return func(*args, **kwargs)
