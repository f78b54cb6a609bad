"""Unpickling with an allow-list: arrays of numbers and plain containers, nothing that can act.

The bytes are checksummed before they come here; this is the second lock on the same door.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

from droplab.errors import DataError


def _reconstruct(subtype: type[Any], shape: tuple[int, ...], typecode: bytes) -> Any:
    """What numpy's own helper of this name does, for plain arrays alone."""
    if subtype is not np.ndarray:
        raise pickle.UnpicklingError(f"an array of type {subtype!r}")
    return np.ndarray.__new__(np.ndarray, shape, np.dtype(typecode.decode("ascii")))


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in an old protocol."""
    if encoding not in {"latin1", "latin-1"}:
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin-1")


ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encode,
}
"""What a pickle may name, and what it gets: our own stand-ins where numpy's are wider than needed."""


class _Restricted(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return ALLOWED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is not allowed in data") from None


def loads(content: bytes, what: str) -> Any:
    """Unpickle arrays and plain containers; strings of Python 2 come out as bytes.

    Args:
        content: the pickle.
        what: names the file in messages.

    Raises:
        DataError: the pickle names anything else, or is damaged.

    >>> loads(pickle.dumps([1, np.arange(3)]), "mine")
    [1, array([0, 1, 2])]
    """
    try:
        return _Restricted(io.BytesIO(content), encoding="bytes").load()
    except Exception as problem:  # a damaged pickle raises anything
        raise DataError(
            f"{what} is no pickle of plain arrays ({type(problem).__name__}: {problem}). Nothing of it was "
            "run. Delete it and fetch it again."
        ) from problem
