"""Whether what a data function gives is more than images or vectors with classes, all in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

import numpy as np
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from droplab.data.assemble import PARTS
from droplab.data.checking import as_array
from droplab.data.draws import borrowed
from droplab.data.function import OF_TASKS
from droplab.data.given_parts import by_name
from droplab.data.repeat import generators, have_drawn
from droplab.data.samples import Samples
from droplab.data.tokens import Windows
from droplab.errors import DataError

MOST = 2 * 10**9
"""Bytes that the samples of a data set may have in memory. A fixed number, as all machines must take the same way."""


def is_more(value: Any) -> bool:
    """Whether a task has to read it: inputs are nested, samples have groups or times, or stay on disk.

    Samples of a data set stay there where its transforms draw, where ``workers`` are named, or where they would be
    larger than 2 GB together. What holds in neither way is none of these; who reads it says so.

    >>> pair = np.zeros((6, 3)), np.arange(6) % 2
    >>> is_more(pair), is_more({"train": pair, "groups": [0, 0, 1, 1, 2, 2]}), is_more(({"x": pair[0]}, pair[1]))
    (False, True, True)
    """
    try:
        keyed = by_name("", value)
    except DataError:
        return False
    return any(keyed.get(key) is not None for key in OF_TASKS) or any(_part_is(keyed.get(part)) for part in PARTS)


def _part_is(part: Any) -> bool:
    if isinstance(part, Samples | Windows):
        return True
    if isinstance(part, Dataset):
        return isinstance(part, Sized) and not isinstance(part, TensorDataset | IterableDataset) and _stays(part)
    return isinstance(part, tuple | list) and len(part) == 2 and _is_nested(part[0])


def _is_nested(inputs: Any) -> bool:
    """A dict, or a tuple of arrays; a list of arrays is one of samples."""
    return isinstance(inputs, Mapping) or (isinstance(inputs, tuple) and all(hasattr(one, "dtype") for one in inputs))


def _stays(dataset: Any) -> bool:
    try:
        with borrowed():
            before = generators()
            inputs, _ = dataset[0]
            dataset[len(dataset) - 1]
            if have_drawn(before, generators()) or _is_nested(inputs):
                return True
        image = as_array("a sample", inputs)
    except Exception:  # noqa: BLE001  # whoever reads it says what and where
        return False
    return len(dataset) * image.size * (1 if image.dtype == np.uint8 else 4) > MOST
