"""What a spec's data name gives to a task: parts of any kind, before they are split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, TensorDataset

from droplab.data.assemble import PARTS
from droplab.data.csv import Table, read_csv
from droplab.data.function import OF_TASKS, Returned, is_function, returned
from droplab.data.inputs import as_pixels
from droplab.data.lazy import LazySamples
from droplab.data.npz import ALIASES, arrays_of
from droplab.data.parts import Part, SealedPart
from droplab.data.registry import read_source
from droplab.data.samples import Samples, as_samples
from droplab.data.tokens import Windows
from droplab.data.trees import leaves, mapped, to_tensors
from droplab.errors import DataError, suggest

FORMS = (
    "wanted (inputs, targets); Samples, Windows or a Dataset; a tuple of such, (train[, validation[, test]]); or a "
    "dict with train[, validation][, test][, groups][, times][, classes][, class_names][, vocabulary][, workers]"
)
_EXTRAS = ("classes", "class_names", *OF_TASKS)


@dataclass(frozen=True)
class GivenParts:
    """Parts as they were given; ``train`` is cut where others are wanted and absent."""

    name: str
    parts: Mapping[str, Any]
    """``Samples``, ``Windows``, ``LazySamples`` or a ``Table`` by part."""
    groups: Any = None
    times: Any = None
    classes: int | None = None
    class_names: tuple[str, ...] = ()
    listed: int | None = None
    """Classes that the source lists by itself, which say nothing of outputs where the task is another."""
    vocabulary: tuple[str, ...] = ()
    """The text of each token, where inputs are tokens; the page writes them so."""


def read_given(
    name: str,
    *,
    data_dir: Path | None,
    options: Mapping[str, Any],
    pixels: bool,
    progress: Any = None,
    given: Returned | None = None,
) -> GivenParts:
    """Read what a spec names, for any task.

    Args:
        name: a data set of the catalogue, a ``.npz`` or ``.csv`` file, or ``pkg.module:function``.
        data_dir: where downloaded data sets are.
        options: of the function; of ``read_csv``.
        pixels: the user says that uint8 inputs are images.
        progress: as in ``load``.
        given: what the function has given, where it was called already.

    Raises:
        DataError: data that cannot be had, or are none.
    """
    if name.endswith(".csv"):
        if "target" not in options:
            raise DataError(f'{name}: which column is to be predicted? data.options = {{ target = "NAME" }}')
        table = read_csv(name, **options)
        return GivenParts(name, {"train": table}, table.groups, table.times, None, table.class_names)
    if name.endswith(".npz"):
        return _given(name, _arrays(name), pixels)
    if is_function(name):
        return _given(name, (returned(name, options) if given is None else given).take(), pixels)
    source = read_source(name, data_dir, progress)
    parts = {part: getattr(source, part) for part in PARTS if getattr(source, part) is not None}
    found = {part: as_samples(value.images, value.labels, images=True) for part, value in parts.items()}
    return GivenParts(name, found, class_names=source.class_names, listed=source.classes)


def _arrays(name: str) -> dict[str, Any]:
    raw = arrays_of(name, Path(name).expanduser())
    arrays = {ALIASES.get(key, key): value for key, value in raw.items()}
    known = {*(f"{axis}_{part}" for part in PARTS for axis in "xy"), *_EXTRAS}
    unknown = next((key for key in arrays if key not in known), None)
    if unknown is not None:
        raise DataError(
            f"{name} holds an unknown array {unknown!r}{suggest(unknown, known)}; wanted x_train, y_train, …"
        )
    found: dict[str, Any] = {key: arrays[key] for key in ("groups", "times", "class_names") if key in arrays}
    if "classes" in arrays:
        found["classes"] = int(arrays["classes"])
    for part in PARTS:
        x, y = arrays.get(f"x_{part}"), arrays.get(f"y_{part}")
        if (x is None) != (y is None):
            raise DataError(f"{name} holds one of x_{part} and y_{part}; wanted both or neither")
        if x is not None:
            found[part] = x, y
    return found


def by_name(name: str, result: Any) -> dict[str, Any]:
    """What a data function has given, by the names of parts, and of what may be beside them.

    Raises:
        DataError: it has none of the forms.
    """
    return dict(result) if isinstance(result, Mapping) else _by_position(name, result)


def _given(name: str, result: Any, pixels: bool) -> GivenParts:
    keyed = by_name(name, result)
    known = (*PARTS, *_EXTRAS)
    for key in keyed:
        if key not in known:
            raise DataError(f"data {name!r} returned an unknown key {key!r}{suggest(str(key), known)}; {FORMS}")
    if keyed.get("train") is None:
        raise DataError(f"data {name!r} returned no train part; {FORMS}")
    workers = int(keyed.get("workers") or 0)
    parts = {
        part: _part(f"{part} of {name}", keyed[part], pixels, workers) for part in PARTS if keyed.get(part) is not None
    }
    classes = keyed.get("classes")
    names = keyed.get("class_names")
    return GivenParts(
        name,
        parts,
        keyed.get("groups"),
        keyed.get("times"),
        None if classes is None else int(classes),
        () if names is None else tuple(map(str, names)),
        _classes(keyed["train"]),
        tuple(map(str, keyed.get("vocabulary") or ())),
    )


def _classes(train: Any) -> int | None:
    """Of a data set that says all its targets at once, as torchvision's do; else the samples tell."""
    targets = getattr(train, "targets", None) if isinstance(train, Dataset) else None
    if targets is None or isinstance(train, Samples):
        return None
    found = np.asarray(targets)
    return int(found.max()) + 1 if found.ndim == 1 and found.dtype.kind in "iu" and found.size else None


def _is_part(value: Any) -> bool:
    return isinstance(value, Samples | Windows | Dataset | Part | SealedPart)


def _by_position(name: str, result: Any) -> dict[str, Any]:
    if _is_part(result):
        return {"train": result}
    if isinstance(result, tuple | list):
        pairs = [
            part is None or _is_part(part) or (isinstance(part, tuple | list) and len(part) == 2) for part in result
        ]
        if 1 <= len(result) <= 3 and all(pairs):
            return dict(zip(PARTS, result, strict=False))
        if len(result) == 2:
            return {"train": result}
    raise DataError(f"data {name!r} returned a {type(result).__name__}; {FORMS}")


def _part(where: str, value: Any, pixels: bool, workers: int) -> Any:
    if isinstance(value, SealedPart):
        value = value._part  # noqa: SLF001  # from one seal into another
    if isinstance(value, Samples | Windows | Table):
        return value
    if isinstance(value, Part):
        return as_samples(value.images, value.labels, images=True)
    if isinstance(value, TensorDataset) and len(value.tensors) == 2:
        value = tuple(value.tensors)
    if isinstance(value, Dataset):
        found = LazySamples(value, seed=0, workers=workers, where=where, images=pixels)
        _check_sample(where, found, pixels)
        return found
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise DataError(f"{where} arrived as a {type(value).__name__}; wanted a pair (inputs, targets)")
    try:
        inputs = to_tensors("inputs", value[0])
        if pixels:
            inputs = _as_pixels(inputs)
        else:
            _check_pixels(inputs)
        return as_samples(inputs, value[1], images=pixels)
    except DataError as problem:
        raise DataError(f"{where}: {problem}") from None


def _as_pixels(inputs: Any) -> Any:
    """Inputs that are pixels: what is uint8 of a tree, or the one tensor of whole numbers in 0..255."""
    found = [tensor for _, tensor in leaves(inputs)]
    if any(tensor.dtype == torch.uint8 for tensor in found):
        return inputs
    if len(found) > 1:
        raise DataError(
            'data.inputs = "pixels", and none of the inputs is uint8; convert those that are images: x.astype("uint8")'
        )
    return mapped(lambda tensor: as_pixels("inputs", tensor), inputs)


def _check_sample(where: str, source: LazySamples, pixels: bool) -> None:
    """See that a data set's images are what the user calls them."""
    inputs = source.take(torch.tensor([0])).inputs
    try:
        if not pixels:
            _check_pixels(inputs)
    except DataError as problem:
        raise DataError(f"{where}: {problem}") from None


def _check_pixels(inputs: Any) -> None:
    """Refuse uint8 images that nobody called images: they would reach a convolution as whole numbers."""
    for path, tensor in leaves(inputs):
        if tensor.dtype == torch.uint8 and tensor.ndim == 4:
            raise DataError(
                f"inputs{f' ({path})' if path else ''} are uint8 of shape {tuple(tensor.shape)}; if they are images, "
                'say so, and they are scaled to [-1, 1]: data.inputs = "pixels". Whole numbers: x.astype("int64")'
            )
