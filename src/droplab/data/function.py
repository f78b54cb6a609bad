"""Custom data from a function of the user's own, named ``pkg.module:function``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Dataset

from droplab.data.assemble import PARTS, assemble, to_part
from droplab.data.map_dataset import read_dataset
from droplab.data.parts import Part, SealedPart, Split
from droplab.data.repeat import ADVICE, generators, have_drawn
from droplab.data.source import Source
from droplab.errors import DataError, suggest
from droplab.userobjects import call, is_object, resolve

FORMS = (
    "wanted (images, labels); or a tuple of Datasets or of such pairs: (train[, validation[, test]]); or a "
    "dict with the keys train[, validation][, test][, classes][, class_names]"
)


OF_TASKS = ("groups", "times", "vocabulary", "workers")
"""Keys that the data of a task may have beside."""


@dataclass(eq=False)
class Returned:
    """What a data function has given.

    Attributes:
        name: the function's.
        value: as it came, until somebody takes it.
        drew: whether a global generator was drawn from meanwhile, so that another call may give something else.
        again: calls the function once more.
    """

    name: str
    value: Any
    drew: bool
    again: Callable[[], Any]

    def take(self) -> Any:
        """The value, which is kept no longer, as it may be large."""
        value, self.value = self.value, None
        return value


def is_function(name: str) -> bool:
    """Whether data are named by a function of the user's.

    >>> is_function("my.data:files"), is_function("cifar10"), is_function("my.npz")
    (True, False, False)
    """
    return not name.endswith((".npz", ".csv")) and is_object(name)


def returned(name: str, options: Mapping[str, Any]) -> Returned:
    """Call the function with ``options``. The working directory is importable.

    Raises:
        DataError: no such function, or one that raises.
    """
    function = resolve(name, "data", DataError)

    def again() -> Any:
        return call(function, name, "data", DataError, {}, options)

    before = generators()
    value = again()
    return Returned(name, value, have_drawn(before, generators()), again)


def source_of(given: Returned) -> Source:
    """Take images and classes in memory from what a function has given.

    That is ``(images, labels)``, a tuple ``(train[, validation[, test]])`` of map-style Datasets or of such pairs, or a
    dict with the keys ``train``, ``validation``, ``test`` of either and, if wanted, ``classes`` and ``class_names``.

    Raises:
        DataError: a result that does not hold, or is another one when the function is called again, which is tried
            where it has drawn from a global generator.
    """
    source = _source(given.name, given.take())
    if given.drew:
        _check_again(given.name, source, _source(given.name, given.again()))
    return source


def _check_again(name: str, source: Source, again: Source) -> None:
    for part in PARTS:
        first, second = getattr(source, part), getattr(again, part)
        same = first is second or (
            len(first) == len(second)
            and torch.equal(first.images, second.images)
            and torch.equal(first.labels, second.labels)
        )
        if not same:
            raise DataError(f"data {name!r} returned other {part} samples when it was called a second time. {ADVICE}.")


def _source(name: str, result: Any) -> Source:
    keyed = dict(result) if isinstance(result, Mapping) else _by_position(name, result)
    known = (*PARTS, "classes", "class_names")
    for key, value in keyed.items():
        if key in OF_TASKS and value is not None:
            raise DataError(
                f"data {name!r} returned {key!r}, which specs take (droplab.compare), and droplab.data.load does not: "
                f"it gives images and vectors with classes; {FORMS}"
            )
        if key not in (*known, *OF_TASKS):
            raise DataError(f"data {name!r} returned an unknown key {key!r}{suggest(str(key), known)}; {FORMS}")
    parts = {key: _part(f"{key} of {name}", keyed[key]) for key in PARTS if keyed.get(key) is not None}
    if "train" not in parts:
        raise DataError(f"data {name!r} returned no train part; {FORMS}")
    return assemble(name, parts, keyed.get("classes"), keyed.get("class_names"))


def _is_part(value: object) -> bool:
    pair = isinstance(value, tuple | list) and len(value) == 2
    return pair or isinstance(value, Dataset | Part | SealedPart)


def _is_array(value: object) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _by_position(name: str, result: object) -> dict[str, Any]:
    if isinstance(result, Split):
        return {
            "train": result.train,
            "validation": result.validation,
            "test": result.test,
            "classes": result.classes,
            "class_names": result.class_names,
        }
    if isinstance(result, Dataset | Part):
        return {"train": result}
    if isinstance(result, tuple | list):
        if len(result) == 2 and _is_array(result[0]):
            return {"train": tuple(result)}
        if 1 <= len(result) <= 3 and all(part is None or _is_part(part) for part in result):
            return dict(zip(PARTS, result, strict=False))
        kinds = ", ".join(type(part).__name__ for part in result)
        raise DataError(f"data {name!r} returned a {type(result).__name__} of ({kinds}); {FORMS}")
    raise DataError(f"data {name!r} returned a {type(result).__name__}; {FORMS}")


def _part(where: str, value: Any) -> Part:
    if isinstance(value, Dataset):
        value = read_dataset(where, value)
    return to_part(where, value)
