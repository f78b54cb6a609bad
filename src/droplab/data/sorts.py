"""Values that samples are cut by, as numbers: which class, which group, which moment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from droplab.data.stratify import Indices
from droplab.errors import DataError, quote


def check_one(count: int, **given: Any) -> tuple[str, Any]:
    """The one of strata, groups and times that was given, with its name; an empty name where none was.

    Raises:
        DataError: more than one, or another number of values than samples.

    >>> check_one(2, groups=None, times=[3, 1])
    ('times', [3, 1])
    """
    found = {name: values for name, values in given.items() if values is not None}
    if len(found) > 1:
        raise DataError(f"{' and '.join(found)} were given; samples are cut by one of them")
    for name, values in found.items():
        if len(values) != count:
            raise DataError(f"{name} has {len(values):,} values for {count:,} samples; wanted one each")
        return name, values
    return "", None


def numbered(name: str, values: Any) -> Indices:
    """``0, 1, …`` for each different value, in their order.

    Raises:
        DataError: values that are missing, are several for a sample, or are times without an order.

    >>> numbered("groups", ["b", "a", "b"]), numbered("times", ["10", "9", "10"])
    (array([1, 0, 1]), array([1, 0, 1]))
    """
    array = np.asarray(values)
    if array.ndim == 1 and name == "times" and array.dtype.kind in "OUST":
        array = _moments(array)
    elif array.ndim == 1 and array.dtype == object:
        array = np.asarray(list(map(str, values)))
    if array.ndim != 1:
        raise DataError(f"{name} arrived with shape {array.shape}; wanted one value for each sample")
    if array.dtype.kind == "f" and bool(np.isnan(array).any()):
        raise DataError(f"{name} hold NaN, first in sample {int(np.isnan(array).argmax())}; wanted a value for each")
    if array.dtype.kind in "mM" and bool(np.isnat(array).any()):
        raise DataError(f"{name} hold no time in sample {int(np.isnat(array).argmax())}; wanted a value for each")
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def _moments(times: NDArray[Any]) -> NDArray[Any]:
    """Texts and objects as what they say: in the order of letters "10/1" comes before "9/1", and 10 before 9."""
    texts = times.astype(str)
    for kind in ("float64", "datetime64[us]"):
        try:
            return texts.astype(kind)
        except (ValueError, OverflowError):
            continue
    raise DataError(
        f"times hold texts such as {quote(str(texts[0]))}, whose order is that of letters; wanted numbers, "
        "np.datetime64, or dates such as 2024-05-31"
    )
