"""A loop on its way to worker processes: by its name where they can import it, by value where they cannot."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast, final

import cloudpickle
import numpy as np
from torch import Tensor, nn

from droplab.errors import DesignError, UserError, words_of
from droplab.given import is_local
from droplab.surgery.example import example_of, remember
from droplab.training.run import Loop
from droplab.userobjects import resolve

MOST_MEGABYTES = 50
"""Of tensors and arrays that a loop may carry into each worker process."""


@final
class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    """Counts what tensors and arrays weigh, and notes what is known of modules and is no part of them."""

    bytes = 0

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.examples: list[tuple[nn.Module, Any]] = []
        self._seen = set[int]()

    def persistent_id(self, value: Any) -> None:
        """Nothing is kept outside of the stream; every value passes here."""
        if isinstance(value, nn.Module) and id(value) not in self._seen:
            self._seen.add(id(value))
            example = example_of(value)
            if example is not None:
                self.examples.append((value, example))
        if not isinstance(value, Tensor | np.ndarray):
            return
        self.bytes += value.nbytes
        if self.bytes > MOST_MEGABYTES * 10**6:
            raise UserError(
                f"the loop carries more than {MOST_MEGABYTES} MB of tensors or arrays into every worker process (one "
                f"is {value.dtype} of shape {tuple(value.shape)}); load them within the loop, or in a module that it "
                "imports, or train one run at a time: compute.executor = 'serial'"
            )


@contextmanager
def _by_value(module: ModuleType | None) -> Iterator[None]:
    """What a module of the user's defines is sent itself, for machines that do not have its file."""
    installed = any(word in (getattr(module, "__file__", None) or "site-packages") for word in _INSTALLED)
    if module is None or installed or module.__name__ in cloudpickle.list_registry_pickle_by_value():
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


_INSTALLED = ("site-packages", "dist-packages")


def packed(name: str, loop: Loop, *, by_value: bool = False) -> bytes | None:
    """What a worker needs to have the loop; ``None`` where its name is enough.

    Args:
        name: of the loop.
        loop: the loop.
        by_value: send it, and what else its module defines, also where it has a name that can be imported here.

    Raises:
        UserError: it carries too much, or what cannot be carried.

    >>> unpacked("__main__:<lambda>", packed("__main__:<lambda>", lambda run: 3))(None)
    3
    """
    if not is_local(name) and not by_value:
        return None
    module = sys.modules.get(getattr(loop, "__module__", "")) if by_value else None
    stream = io.BytesIO()
    try:
        pickler = _Pickler(stream)
        with _by_value(module):
            pickler.dump((loop, pickler.examples))  # the second is written when the first has been walked through
    except UserError:
        raise
    except Exception as problem:
        raise UserError(
            f"the loop {name.partition('@')[0]} cannot be sent to worker processes ({words_of(problem)}); put it into "
            "a module of its own, or train one run at a time: compute.executor = 'serial'"
        ) from problem
    return stream.getvalue()


def unpacked(name: str, loop: bytes | None) -> Loop:
    """The loop, in a worker."""
    if loop is None:
        return resolve(name, "loop", DesignError)
    found, examples = cloudpickle.loads(loop)
    for model, (inputs, named) in examples:
        remember(model, inputs, named)
    return cast("Loop", found)
