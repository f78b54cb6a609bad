"""From arrays of the user's to a ``Part``: what can be converted is, what is doubtful is an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from droplab.data.parts import Part
from droplab.errors import DataError, quote

CHANNELS = (1, 3, 4)
"""A last dimension of one of these, where dimension 1 is none of them, looks like (N, H, W, C)."""

CONTIGUOUS_CLASSES = "Labels count from 0 without gaps"


def as_part(where: str, images: Any, labels: Any, *, called_images: bool = False) -> Part:
    """Check and convert one part.

    Args:
        where: names the part in messages: ``train of my.npz``.
        images: tensor or array, ``(N, C, H, W)`` or ``(N, F)``. uint8 in four dimensions with 1, 3 or 4 channels are
            pixels and stay uint8; all other numbers become float32 with their values, and must be finite.
        labels: tensor, array or list of integers, ``(N,)``, 0 or larger.
        called_images: the source itself says that these are images, so uint8 of any shape are pixels.

    Raises:
        DataError: anything else, with what arrived and what to do.

    >>> as_part("train", np.zeros((2, 1, 4, 4)), [0, 1])
    Part(2 x (1, 4, 4) float32)
    >>> as_part("train", np.array([[0, 255], [1, 2]]), [0, 1]).images.tolist()
    [[0.0, 255.0], [1.0, 2.0]]
    """
    x = _images(f"images of {where}", as_array(f"images of {where}", images), called_images=called_images)
    y = _labels(f"labels of {where}", as_array(f"labels of {where}", labels))
    if len(x) != len(y):
        raise DataError(
            f"{where} has {len(x):,} images and {len(y):,} labels; wanted one label for each image. "
            "Check that both come from the same rows."
        )
    return Part(torch.from_numpy(x), torch.from_numpy(y))


def as_array(what: str, value: Any) -> NDArray[Any]:
    """A numpy array of a tensor, an array or nested lists.

    Raises:
        DataError: ragged lists, objects, or a tensor that is not dense.

    >>> as_array("labels", torch.tensor([1, 2]))
    array([1, 2])
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        if value.layout is not torch.strided or value.is_quantized:
            raise DataError(f"{what} arrived as a {value.layout} tensor; wanted a dense one: call .to_dense()")
        dense: NDArray[Any] = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
        return dense
    try:
        array = np.asarray(value)
    except ValueError as problem:
        raise DataError(
            f"{what} arrived as a {type(value).__name__} that is no regular array ({problem}); "
            "wanted samples that all have the same shape"
        ) from problem
    if array.dtype == object:
        raise DataError(
            f"{what} arrived as an array of Python objects; wanted numbers. "
            "Stack the samples into one array (np.stack) of a numeric type."
        )
    return array


def _plain(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Native byte order, contiguous and writable, which is what ``torch.from_numpy`` takes."""
    return np.require(array, dtype=dtype, requirements=["C", "W"])


_EXACT = 2**24
"""float32 holds every whole number up to this one."""


def _images(what: str, array: NDArray[Any], *, called_images: bool) -> NDArray[Any]:
    _check_shape(what, array.shape)
    kind = array.dtype.kind
    if array.dtype == np.uint8 and (called_images or (array.ndim == 4 and array.shape[1] in CHANNELS)):
        return _plain(array, np.uint8)
    if kind in "iub":
        if kind != "b" and (array.min() < -_EXACT or array.max() > _EXACT):
            raise DataError(
                f"{what} arrived as {array.dtype} in {array.min()}..{array.max()}; wanted integers within "
                f"±{_EXACT:,}, or floats: models are given float32. Convert with x.astype('float32') and scale."
            )
        return _plain(array, np.float32)
    if kind == "f":
        with np.errstate(over="ignore"):
            floats = _plain(array, np.float32)
        finite = np.isfinite(floats)
        if not finite.all():
            first = int(np.argmin(finite.reshape(len(floats), -1).all(axis=1)))
            bad = int(finite.size - np.count_nonzero(finite))
            raise DataError(
                f"{what} hold {bad:,} values that are NaN or infinite as float32, the first in sample "
                f"{first}; wanted finite numbers. Repair or drop those samples."
            )
        return floats
    raise DataError(f"{what} arrived as {array.dtype}; wanted integers, booleans or floats")


def _check_shape(what: str, shape: Sequence[int]) -> None:
    shape = tuple(shape)
    if len(shape) not in {2, 4}:
        hint = ""
        if len(shape) == 3:
            hint = (
                " Grey images without a channel dimension want one: x[:, None]. Sequences (N, T, F) want a task with "
                'options: task = { name = "classification", figures = ["loss", "accuracy"] }'
            )
        raise DataError(f"{what} arrived with shape {shape}; wanted (N, C, H, W) or (N, F).{hint}")
    if shape[0] == 0:
        raise DataError(f"{what} are empty (shape {shape}); wanted at least one sample")
    if 0 in shape:
        raise DataError(f"{what} arrived with shape {shape}, a dimension of size 0; wanted (N, C, H, W) or (N, F)")
    if len(shape) == 4 and shape[-1] in CHANNELS and shape[1] not in CHANNELS:
        raise DataError(
            f"{what} arrived with shape {shape}, which looks like (N, H, W, C); wanted (N, C, H, W). "
            "Permute them: torch x.permute(0, 3, 1, 2), numpy x.transpose(0, 3, 1, 2)."
        )


def _labels(what: str, array: NDArray[Any]) -> NDArray[np.int64]:
    if array.ndim != 1:
        hint = ""
        if array.ndim == 2:
            hint = " Flatten a column with y.reshape(-1)" + (
                "." if array.shape[1] == 1 else "; turn one-hot rows into numbers with y.argmax(1)."
            )
        raise DataError(f"{what} arrived with shape {array.shape}; wanted (N,).{hint}")
    if len(array) == 0:
        raise DataError(f"{what} are empty; wanted at least one sample")
    if array.dtype.kind not in "iu":
        raise DataError(
            f"{what} arrived as {array.dtype}, the first is {quote(array[0])}; wanted integers 0, 1, 2, … "
            "Convert whole numbers with y.astype('int64'); number names with "
            "np.unique(y, return_inverse=True)."
        )
    if array.min() < 0 or array.max() > 2**31 - 1:
        at = int(np.argmin(array) if array.min() < 0 else np.argmax(array))
        raise DataError(f"{what} hold {array[at]} in sample {at}; wanted 0 or larger. {CONTIGUOUS_CLASSES}.")
    return _plain(array, np.int64)
