"""Values of a spec before they are checked: what a ledger can keep and give back as it was, and nothing else."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel

from droplab.errors import quote

DEEPEST = 40
"""Tables within tables; deeper ones exhaust what writes and reads them."""
LONGEST_NUMBER = 1024
"""Bits of a whole number; Python refuses to write some that are longer."""


def settled(value: Any, depth: int = 0) -> Any:
    """The value with numpy's scalars as Python's own; text must be text that can be written.

    What pydantic has made already stays as it is.

    Raises:
        ValueError: text with half a character in it, a number too long to be written, tables too deep.

    >>> settled({"width": np.int64(3)})
    {'width': 3}
    """
    if depth > DEEPEST:
        raise ValueError(f"tables are nested more than {DEEPEST} deep")
    if isinstance(value, BaseModel):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
        raise ValueError(f"got a whole number of {value.bit_length():,} bits; {LONGEST_NUMBER:,} at most can be kept")
    if isinstance(value, Mapping):
        return {_key(key): settled(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [settled(item, depth + 1) for item in value]
    return value


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"got {quote(value)}, which holds half a character and cannot be written") from None
    return str(value)


def _key(key: Any) -> Any:
    return _text(key) if isinstance(key, str) else key


def json_ready(value: Any, path: str = "") -> Any:
    """An option's value as JSON keeps it. What it does not keep would be another value when it is read back.

    Raises:
        ValueError: NaN, infinities, dates, arrays, classes, keys that are no text; with the option's name.

    >>> json_ready({"sizes": (3, np.float32(0.5))})
    {'sizes': [3, 0.5]}
    >>> json_ready({"x": float("nan")})
    Traceback (most recent call last):
    ...
    ValueError: x: got nan; a ledger keeps finite numbers: give a text or leave it out
    """
    value = settled(value)
    return _checked(value, path)


def _checked(value: Any, path: str) -> Any:
    where = f"{path}: " if path else ""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where}got {value}; a ledger keeps finite numbers: give a text or leave it out")
        return float(value)
    if isinstance(value, list):
        return [_checked(item, f"{path}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"{where}got the key {quote(key)}; keys are texts")  # noqa: TRY004  # pydantic collects these
        return {key: _checked(item, f"{path}.{key}".lstrip(".")) for key, item in value.items()}
    if isinstance(value, dt.date | dt.time):
        said = f'{where}got {value!s}, a date or time; put it in quotes: "{value!s}"'
        raise ValueError(said)  # noqa: TRY004  # as above
    hint = "; give a list: array.tolist()" if hasattr(value, "tolist") else ""
    raise ValueError(
        f"{where}got {quote(value)}, a {type(value).__name__}; options are what JSON has: numbers, texts, true or "
        f"false, lists and tables{hint}"
    )
