"""Torch's functions, exchanged by their names in ``torch.nn.functional`` while a module with keys for them runs.

A mode of torch's sees every call of every function, at some microseconds each. Where a forward pass has shown that a
module reaches what it drops by these names, to exchange the names is enough, and costs only where something drops.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from torch.nn import functional as torchs

from droplab.masks.internals import never_traced


class Owner(Protocol):
    """Who takes calls over."""

    def called(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call of a function of torch's gives. While it runs, nobody takes calls over."""


class _Now(threading.local):
    owner: Owner | None = None


class Exchange:
    """Names of ``torch.nn.functional``, and who takes their calls over on this thread, if anybody does.

    What somebody else has put under such a name stays.

    Args:
        functions: of that module.
    """

    def __init__(self, functions: Iterable[Any]) -> None:
        self._originals = {function.__name__: function for function in functions}
        self._standing = {name: self._in_place_of(function) for name, function in self._originals.items()}
        self.plain = {self._standing[name]: function for name, function in self._originals.items()}
        """The function of torch's that each stands for: what torch tells a mode of is found under its name."""
        self._now, self._lock, self._inside = _Now(), threading.Lock(), 0
        self._exchanged: dict[str, Any] = {}

    def _in_place_of(self, function: Any) -> Any:
        @functools.wraps(function)
        def standing(*args: Any, **kwargs: Any) -> Any:
            now = self._now
            owner = now.owner
            if owner is None:
                return function(*args, **kwargs)
            now.owner = None
            try:
                return owner.called(function, args, kwargs)
            finally:
                now.owner = owner

        return never_traced(standing)

    def run(
        self, owner: Owner | None, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call a function; meanwhile the owner, or nobody, takes over what this thread calls by these names."""
        now = self._now
        before, now.owner = now.owner, owner
        if owner is not None:
            self._come()
        try:
            return function(*args, **kwargs)
        finally:
            if owner is not None:
                self._go()
            now.owner = before

    def _come(self) -> None:
        with self._lock:
            if not self._inside:
                names = torchs.__dict__
                self._exchanged = {name: one for name, one in self._originals.items() if names.get(name) is one}
                names.update({name: self._standing[name] for name in self._exchanged})
            self._inside += 1

    def _go(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                names = torchs.__dict__
                names.update(
                    {name: one for name, one in self._exchanged.items() if names[name] is self._standing[name]}
                )
