"""From the checked parts of a custom source to a ``Source``: one shape, one type, one set of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from droplab.data.checking import CONTIGUOUS_CLASSES, as_part
from droplab.data.parts import Part, SealedPart, Split
from droplab.data.source import Source
from droplab.data.split import split
from droplab.errors import DataError, quote

PARTS = ("train", "validation", "test")
MOST_CLASSES = 2**16
"""The ledger keeps predicted classes as 16 bits each."""


def assemble(
    name: str,
    parts: Mapping[str, Part],
    classes: int | None = None,
    class_names: Sequence[str] | None = None,
) -> Source:
    """Put checked parts together.

    Args:
        name: what the data are called in messages and in the split.
        parts: ``train``, and where the source has them ``validation`` and ``test``.
        classes: number of classes; without it the number of ``class_names``, or the largest label + 1.
        class_names: one name per class; ``"0"``, ``"1"``, … without it.

    Raises:
        DataError: parts that disagree in shape or type, or labels outside ``0 .. classes - 1``.

    >>> from torch import arange, zeros
    >>> assemble("mine", {"train": Part(zeros(6, 2), arange(6) % 3)}).class_names
    ('0', '1', '2')
    """
    train = parts["train"]
    for other in PARTS[1:]:
        if other in parts:
            _check_agreement(name, train, other, parts[other])
    names = None if class_names is None else _texts(name, class_names)
    classes = _classes(name, parts, classes, names)
    for part_name, part in parts.items():
        highest = int(part.labels.max())
        if highest >= classes or int(part.labels.min()) < 0:
            at = int(part.labels.argmax() if highest >= classes else part.labels.argmin())
            raise DataError(
                f"labels of {part_name} of {name} hold {int(part.labels[at])} in sample {at}; "
                f"wanted 0..{classes - 1}, as there are {classes} classes. {CONTIGUOUS_CLASSES}."
            )
    return Source(
        name=name,
        train=train,
        validation=parts.get("validation"),
        test=parts.get("test"),
        classes=classes,
        class_names=names or tuple(str(c) for c in range(classes)),
    )


def _texts(name: str, class_names: Any) -> tuple[str, ...]:
    is_text = isinstance(class_names, str | bytes)
    try:
        names = tuple(str(n) for n in class_names)
        "".join(names).encode()
    except Exception as problem:
        raise DataError(
            f"class_names of {name} arrived as {quote(class_names)}; wanted a list of texts ({type(problem).__name__})"
        ) from problem
    if is_text:
        raise DataError(f"class_names of {name} arrived as {quote(class_names)}; wanted a list of texts, one per class")
    return names


def _classes(name: str, parts: Mapping[str, Part], classes: Any, names: tuple[str, ...] | None) -> int:
    if classes is None:
        found = len(names) if names else 1 + max(int(part.labels.max()) for part in parts.values())
    elif isinstance(classes, bool) or not isinstance(classes, int | np.integer):
        raise DataError(f"classes of {name} arrived as {quote(classes)}; wanted a whole number")
    else:
        found = int(classes)
    if names is not None and len(names) != found:
        raise DataError(f"{name} has {found} classes and {len(names)} class_names; wanted one name for each class")
    if found > MOST_CLASSES:
        raise DataError(
            f"{name} has {found:,} classes; {MOST_CLASSES:,} at most can be kept. {CONTIGUOUS_CLASSES}; are these "
            "numbers to be predicted rather than classes?"
        )
    if found < 2:
        raise DataError(f"{name} has {found} class; wanted at least 2, as there is nothing to tell apart")
    samples = sum(len(part) for part in parts.values())
    if found > samples:
        raise DataError(
            f"{name} has {samples:,} samples and {found:,} classes; wanted several samples per class. "
            f"{CONTIGUOUS_CLASSES}: renumber them with np.unique(y, return_inverse=True)."
        )
    return found


def _check_agreement(name: str, train: Part, other_name: str, other: Part) -> None:
    if other.images.shape[1:] != train.images.shape[1:]:
        raise DataError(
            f"samples of {name} have shape {tuple(train.images.shape[1:])} in train and "
            f"{tuple(other.images.shape[1:])} in {other_name}; wanted the same in every part"
        )
    if other.images.dtype != train.images.dtype:
        raise DataError(
            f"images of {name} are {train.images.dtype} in train and {other.images.dtype} in {other_name}; "
            "wanted the same in every part, as their scales would differ. Convert one of them."
        )


def as_split(
    name: str,
    train: tuple[Any, Any] | Part,
    validation: tuple[Any, Any] | Part | None = None,
    test: tuple[Any, Any] | Part | SealedPart | None = None,
    *,
    classes: int | None = None,
    class_names: Sequence[str] | None = None,
    train_size: int | None = None,
    validation_size: float | None = None,
    split_seed: int = 0,
) -> Split:
    """A split of arrays or tensors that are in memory already.

    Args:
        name: what to call the data.
        train: ``(images, labels)``: ``(N, C, H, W)`` or ``(N, F)``, and ``(N,)`` integers from 0.
        validation: the same, if there is a validation part; else it is cut from ``train``.
        test: the same, if there is a test part; else it is cut from ``train``.
        classes: number of classes, if not the largest label + 1.
        class_names: one name per class.
        train_size: as in ``load``.
        validation_size: as in ``load``; a tenth by default.
        split_seed: as in ``load``.

    Raises:
        DataError: data of the wrong shape, range or content, or sizes that cannot be had.

    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.integers(0, 256, (100, 1, 4, 4), dtype=np.uint8), np.arange(100) % 5
    >>> mine = as_split("mine", (x, y))
    >>> len(mine.train), len(mine.validation), len(mine.test), mine.shape
    (81, 9, 10, (1, 4, 4))
    """
    given = {"train": train, "validation": validation, "test": test}
    parts = {key: to_part(f"{key} of {name}", value) for key, value in given.items() if value is not None}
    if "train" not in parts:
        raise DataError(f"train of {name} arrived as None; wanted a pair (images, labels)")
    source = assemble(name, parts, classes, class_names)
    return split(source, train_size=train_size, validation_size=validation_size, split_seed=split_seed)


def to_part(where: str, value: Any) -> Part:
    """A part from a pair ``(images, labels)``; a part that exists already passes through.

    Raises:
        DataError: something else.

    >>> to_part("train", (np.zeros((2, 3)), [0, 1]))
    Part(2 x (3,) float32)
    """
    if isinstance(value, SealedPart):
        return value._part  # noqa: SLF001  it goes from one sealed part straight into another
    if isinstance(value, Part):
        return value
    if isinstance(value, tuple | list) and len(value) == 2:
        return as_part(where, value[0], value[1])
    raise DataError(f"{where} arrived as a {type(value).__name__}; wanted a pair (images, labels)")
