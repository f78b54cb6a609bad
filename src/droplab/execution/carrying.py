"""A loop on its way to worker processes: by its name where they can import it, by value where they cannot."""

from __future__ import annotations

import io
from typing import Any, cast, final

import cloudpickle
import numpy as np
from torch import Tensor

from droplab.errors import DesignError, UserError, words_of
from droplab.given import is_local
from droplab.training.run import Loop
from droplab.userobjects import resolve

MOST_MEGABYTES = 50
"""Of tensors and arrays that a loop may carry into each worker process."""


@final
class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    """Counts what tensors and arrays weigh."""

    bytes = 0

    def persistent_id(self, value: Any) -> None:
        """Nothing is kept outside of the stream; every value passes here."""
        if not isinstance(value, Tensor | np.ndarray):
            return
        self.bytes += value.nbytes
        if self.bytes > MOST_MEGABYTES * 10**6:
            raise UserError(
                f"the loop carries more than {MOST_MEGABYTES} MB of tensors or arrays into every worker process (one "
                f"is {value.dtype} of shape {tuple(value.shape)}); load them within the loop, or in a module that it "
                "imports, or train one run at a time: compute.executor = 'serial'"
            )


def packed(name: str, loop: Loop) -> bytes | None:
    """What a worker needs to have the loop; ``None`` where its name is enough.

    Raises:
        UserError: it carries too much, or what cannot be carried.

    >>> unpacked("__main__:<lambda>", packed("__main__:<lambda>", lambda run: 3))(None)
    3
    """
    if not is_local(name):
        return None
    stream = io.BytesIO()
    try:
        _Pickler(stream).dump(loop)
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
    return cast("Loop", cloudpickle.loads(loop))
