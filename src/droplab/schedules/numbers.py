"""Numbers are written as numbers: ``true`` is not 1, and ``"0.2"`` is a text."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from droplab.errors import quote


def no_switches(value: Any, annotation: Any) -> None:
    """Refuse ``true`` and texts where numbers are wanted; they would count as 1 or be read as one.

    Raises:
        ValueError: with what to write instead.

    >>> no_switches({"drop1": True}, dict[str, float])
    Traceback (most recent call last):
    ...
    ValueError: drop1: got true; a number is wanted
    """
    if _leaves(annotation) <= {int, float, type(None)}:
        _numbers_only(value, "")


def _numbers_only(value: Any, path: str) -> None:
    where = f"{path}: " if path else ""
    if isinstance(value, bool):
        raise ValueError(f"{where}got {str(value).lower()}; a number is wanted")  # noqa: TRY004  # pydantic collects these
    if isinstance(value, str):
        raise ValueError(f"{where}got {quote(value)}; a number is wanted, without quotes")  # noqa: TRY004  # as above
    if isinstance(value, Mapping):
        for key, item in value.items():
            _numbers_only(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _numbers_only(item, f"{path}[{number}]")


def _leaves(annotation: Any) -> set[Any]:
    """Types of the values that an annotation takes, those in tables and lists too."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _leaves(inner[0])
    if origin is dict:
        return _leaves(inner[1])
    if origin in {Union, UnionType, tuple, list}:
        return {leaf for one in inner if one is not ... for leaf in _leaves(one)}
    return {annotation} if isinstance(annotation, type) else {object}
