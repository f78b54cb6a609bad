"""Custom data from one ``.npz`` file. Pickled content is never loaded."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from droplab.data.assemble import PARTS, assemble
from droplab.data.checking import as_part
from droplab.data.parts import Part
from droplab.data.source import Source
from droplab.errors import DataError, suggest

ALIASES = {"x_val": "x_validation", "y_val": "y_validation", "images": "x_train", "labels": "y_train"}
"""Other names that are understood."""

ARRAYS = tuple(f"{axis}_{part}" for part in PARTS for axis in "xy")
EXTRAS = ("classes", "class_names")

DAMAGE = (ValueError, OSError, EOFError, KeyError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What numpy raises on a file that is none."""


def read_npz(name: str) -> Source:
    """Read ``x_train, y_train[, x_validation, y_validation][, x_test, y_test][, classes][, class_names]``.

    ``x_val``/``y_val`` stand for validation, and ``images``/``labels`` for a single training part.
    uint8 under ``images`` are pixels; other arrays are pixels where ``as_part`` says so.

    Args:
        name: path of the file, as the user wrote it.

    Raises:
        DataError: no such file, no readable ``.npz``, unknown, missing or doubled arrays, or arrays that do
            not hold (see ``as_part``).
    """
    path = Path(name).expanduser()
    raw = _load(name, path)
    arrays = _named(name, raw)
    parts: dict[str, Part] = {}
    for part in PARTS:
        x, y = f"x_{part}", f"y_{part}"
        if (x in arrays) != (y in arrays):
            there, missing = (x, y) if x in arrays else (y, x)
            raise DataError(f"{name} holds {there} and no {missing}; wanted both or neither")
        if x in arrays:
            parts[part] = as_part(f"{part} of {name}", arrays[x], arrays[y], called_images="images" in raw)
    if "train" not in parts:
        raise DataError(f"{name} holds {_listed(arrays)}; wanted x_train and y_train at least")
    return assemble(name, parts, _whole(name, arrays.get("classes")), _names(name, arrays.get("class_names")))


def _load(name: str, path: Path) -> dict[str, Any]:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "not there"
        raise DataError(f"data file {name} is {what} (looked at {path.absolute()}). Check the path.")
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if isinstance(file, np.lib.npyio.NpzFile):
                return {key: file[key] for key in file.files}
    except DAMAGE as problem:
        if "Object arrays" in str(problem):
            raise DataError(
                f"{name} holds an array of Python objects, which only unpickling could read, and that could run "
                "foreign code; wanted numbers. Save arrays of numeric type."
            ) from problem
        raise DataError(
            f"{name} cannot be read as an .npz file ({type(problem).__name__}: {problem}); it is damaged, cut "
            "short, or something else. Write it again with np.savez."
        ) from problem
    raise DataError(f"{name} holds one bare array; wanted an .npz: np.savez({name!r}, x_train=…, y_train=…)")


def _named(name: str, arrays: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = (*ARRAYS, *EXTRAS, *ALIASES)
    for key, value in arrays.items():
        if key not in known:
            raise DataError(f"{name} holds an unknown array {key!r}{suggest(key, known)}. Known: {', '.join(known)}.")
        proper = ALIASES.get(key, key)
        if proper in found:
            raise DataError(f"{name} holds {proper} twice, as {proper!r} and under another name; wanted it once")
        found[proper] = value
    return found


def _whole(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if value.shape != () or value.dtype.kind not in "iu":
        raise DataError(f"classes of {name} arrived as {value.dtype} with shape {value.shape}; wanted one integer")
    return int(value)


def _names(name: str, value: Any) -> list[str] | None:
    if value is None:
        return None
    if value.ndim != 1 or value.dtype.kind != "U":
        raise DataError(
            f"class_names of {name} arrived as {value.dtype} with shape {value.shape}; wanted a list of strings"
        )
    return [str(n) for n in value]


def _listed(arrays: dict[str, Any]) -> str:
    return ", ".join(arrays) or "no arrays"
