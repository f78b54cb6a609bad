"""From a map-style ``torch.utils.data.Dataset`` to one pair of arrays."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from droplab.data.checking import as_array
from droplab.errors import DataError
from droplab.userobjects import where_raised


def read_dataset(where: str, dataset: Dataset[Any]) -> tuple[Any, Any]:
    """Read every sample once, in order.

    Args:
        where: names the part in messages.
        dataset: has a length, and gives ``(image, label)`` for 0 .. length - 1. A random augmentation in it
            would be frozen by this; leave it out.

    Returns:
        Stacked images ``(N, …)`` and labels ``(N,)``, to be checked by ``as_part``.

    Raises:
        DataError: no length, a sample that raises or is no pair, or samples of different shapes.

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
    if len(dataset) == 0:
        raise DataError(f"{where} is empty; wanted at least one sample")
    images: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
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
    return np.stack(images), np.stack(labels)


def _sample(where: str, dataset: Any, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
    try:
        sample = dataset[index]
    except Exception as problem:
        raise DataError(
            f"sample {index} of {where} raised {type(problem).__name__}: {problem} (at {where_raised(problem)})"
        ) from problem
    if not isinstance(sample, tuple | list) or len(sample) != 2:
        raise DataError(f"sample {index} of {where} is a {type(sample).__name__}; wanted a pair (image, label)")
    return (
        as_array(f"the image of sample {index} of {where}", sample[0]),
        as_array(f"the label of sample {index} of {where}", sample[1]),
    )
