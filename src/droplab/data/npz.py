"""Custom data from one ``.npz`` file. Pickled content is never loaded."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from droplab.data.assemble import PARTS, assemble
from droplab.data.checking import as_part
from droplab.data.folder import user_path
from droplab.data.memory import SMALLER, size
from droplab.data.parts import Part
from droplab.data.source import Source
from droplab.errors import DataError, clip, quote, quote_text, suggest

ALIASES = {"x_val": "x_validation", "y_val": "y_validation", "images": "x_train", "labels": "y_train"}
"""Other names that are understood."""

ARRAYS = tuple(f"{axis}_{part}" for part in PARTS for axis in "xy")
EXTRAS = ("classes", "class_names")


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
    path = user_path(name)
    raw = arrays_of(name, path)
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


def arrays_of(name: str, path: Path) -> dict[str, Any]:
    """All arrays of a file, by the names that it gives them.

    Raises:
        DataError: it is not there, or no ``.npz``.
    """
    try:
        there, folder = path.is_file(), path.is_dir()
    except OSError as problem:
        raise DataError(f"data file {name} cannot be looked at: {problem.strerror or problem}") from problem
    if not there:
        what = "a folder" if folder else "not there"
        raise DataError(f"data file {name} is {what} (looked at {path.absolute()}). Check the path.")
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if isinstance(file, np.lib.npyio.NpzFile):
                return {key: _array(key, file[key]) for key in file.files}
    except Exception as problem:  # what is damaged makes zipfile, zlib, tokenize and numpy raise almost anything
        if isinstance(problem, MemoryError):
            raise DataError(_too_large(name, path, problem)) from problem
        if "Object arrays" in str(problem):
            raise DataError(
                f"{name} holds an array of Python objects, which only unpickling could read, and that could run "
                "foreign code; wanted numbers. Save arrays of numeric type."
            ) from problem
        raise DataError(
            f"{name} cannot be read as an .npz file ({type(problem).__name__}: {quote_text(problem)}); it is damaged, "
            "cut short, or something else. Write it again with np.savez."
        ) from problem
    raise DataError(f"{name} holds one bare array; wanted an .npz: np.savez({name!r}, x_train=…, y_train=…)")


def _array(key: str, value: Any) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):  # numpy hands a member without its header over as bytes
        raise ValueError(f"{key} is no array: {len(value)} bytes")  # noqa: TRY004  # as other damage
    return value


def _too_large(name: str, path: Path, problem: MemoryError) -> str:
    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as file:
        unpacked = size(sum(member.file_size for member in file.infolist()))
        return f"{name} holds {unpacked} of arrays, more than memory takes ({quote_text(problem)}). {SMALLER}."
    return f"{name} wants more memory than there is ({quote_text(problem)}). {SMALLER}."


def _named(name: str, arrays: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = (*ARRAYS, *EXTRAS, *ALIASES)
    for key, value in arrays.items():
        if key not in known:
            hint = f"{suggest(key, known)}. Known: {', '.join(known)}"
            raise DataError(f"{name} holds an unknown array {quote(key)}{hint}.")
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
    native = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("="))
    codes = np.frombuffer(native.tobytes(), dtype=np.uint32)
    if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():  # numpy hands such texts on unchecked
        raise DataError(f"class_names of {name} hold codes that are no characters; wanted a list of strings")
    return [str(n) for n in native]


def _listed(arrays: dict[str, Any]) -> str:
    return clip(", ".join(arrays)) or "no arrays"
