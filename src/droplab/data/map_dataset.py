"""From a map-style ``torch.utils.data.Dataset`` to one pair of arrays."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from droplab.data.checking import as_array
from droplab.data.repeat import ADVICE, generators, have_drawn
from droplab.errors import DataError, quote_text
from droplab.userobjects import where_raised


def read_dataset(where: str, dataset: Dataset[Any]) -> tuple[Any, Any]:
    """Read every sample in order; some of them twice.

    Args:
        where: names the part in messages.
        dataset: has a length, and gives ``(image, label)`` for 0 .. length - 1, the same each time it is asked.

    Returns:
        Stacked images ``(N, …)`` and labels ``(N,)``, to be checked by ``as_part``.

    Raises:
        DataError: no length, a sample that raises, is no pair or differs when it is read again, or samples of
            different shapes.

    >>> import torch
    >>> images, labels = read_dataset("train", TensorDataset(torch.zeros(3, 4), torch.arange(3)))
    >>> tuple(images.shape), tuple(labels.shape)
    ((3, 4), (3,))
    """
    if isinstance(dataset, IterableDataset) or not isinstance(dataset, Sized):
        raise DataError(
            f"{where} arrived as {type(dataset).__name__}, a Dataset without a length; "
            "wanted a map-style Dataset with __len__ and __getitem__"
        )
    if (
        isinstance(dataset, TensorDataset)
        and type(dataset).__getitem__ is TensorDataset.__getitem__
        and len(dataset.tensors) == 2
    ):
        return dataset.tensors
    if _length(where, dataset) == 0:
        raise DataError(f"{where} is empty; wanted at least one sample")
    images: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    before = generators()
    for index in range(len(dataset)):
        image, label = _sample(where, dataset, index)
        if images and image.shape != images[0].shape:
            raise DataError(
                f"sample {index} of {where} has shape {image.shape}, sample 0 has {images[0].shape}; "
                "wanted the same shape for all. Resize or crop them."
            )
        if label.shape != ():
            raise DataError(f"the label of sample {index} of {where} has shape {label.shape}; wanted one integer")
        images.append(image)
        labels.append(label)
    _check_again(where, dataset, images, labels, everything=have_drawn(before, generators()))
    return np.stack(images), np.stack(labels)


def _length(where: str, dataset: Sized) -> int:
    try:
        return len(dataset)
    except Exception as problem:
        raise DataError(
            f"the length of {where} raised {type(problem).__name__}: {quote_text(problem)} (at {where_raised(problem)})"
        ) from problem


STAYS = '; or let the samples stay where they are and be drawn anew in each epoch: {"train": dataset, "workers": 0}'
"""What else can be done about draws."""
_AGAIN = 32
"""Samples that are read twice where no global generator was drawn from; all of them where one was."""


def _check_again(
    where: str, dataset: Any, images: list[NDArray[Any]], labels: list[NDArray[Any]], *, everything: bool
) -> None:
    count = len(images)
    chosen = range(count) if everything else np.unique(np.linspace(0, count - 1, _AGAIN).astype(int)).tolist()
    for index in chosen:
        image, label = _sample(where, dataset, index)
        if image.tobytes() != images[index].tobytes() or label.tobytes() != labels[index].tobytes():
            raise DataError(f"sample {index} of {where} is another one when it is read a second time. {ADVICE}{STAYS}.")


def _sample(where: str, dataset: Any, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
    try:
        sample = dataset[index]
    except Exception as problem:
        raise DataError(
            f"sample {index} of {where} raised {type(problem).__name__}: {quote_text(problem)} "
            f"(at {where_raised(problem)})"
        ) from problem
    if not isinstance(sample, tuple | list) or len(sample) != 2:
        raise DataError(f"sample {index} of {where} is a {type(sample).__name__}; wanted a pair (image, label)")
    return (
        as_array(f"the image of sample {index} of {where}", sample[0]),
        as_array(f"the label of sample {index} of {where}", sample[1]),
    )
