"""The line of code that a call stands on."""

from __future__ import annotations

import linecache
import os
from pathlib import Path
from types import CodeType, FrameType

import torch

_TORCH = os.path.join(os.path.dirname(torch.__file__), "")  # noqa: PTH118, PTH120  # compared with the text of code objects
_OWN = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")  # noqa: PTH118, PTH120
_OWN_MODELS = os.path.join(_OWN, "models", "")  # noqa: PTH118
_LAYERS = os.path.join(_TORCH, "nn", "modules", "")  # noqa: PTH118
_PLUMBING = tuple(
    os.path.join(_LAYERS, f"{name}.py")  # noqa: PTH118
    for name in ("module", "container", "dropout", "activation", "rnn")
)
_CHECKPOINT = os.path.join(_TORCH, "utils", "checkpoint.py")  # noqa: PTH118


def place_of(frame: FrameType | None, outer: CodeType | None) -> tuple[str, str, bool]:
    """``file:line`` of the innermost line that is not plumbing, the function around it, and whether it is checkpointed.

    Torch's Transformer layers count as a place; its functions, containers and dropout layers do not. Frames from
    ``outer`` on are the audit's.
    """
    place, scope, recomputed = "", "", False
    while frame is not None and frame.f_code is not outer:
        file = frame.f_code.co_filename
        recomputed = recomputed or file == _CHECKPOINT
        if not place and _counts(file):
            place, scope = f"{file}:{frame.f_lineno}", frame.f_code.co_qualname
        frame = frame.f_back
    return place, scope, recomputed


def _counts(file: str) -> bool:
    if file.startswith(_OWN):
        return file.startswith(_OWN_MODELS)
    if file.startswith(_TORCH):
        return file.startswith(_LAYERS) and file not in _PLUMBING
    return not file.startswith("<")


def short(place: str) -> str:
    """A place as it is best read: from the working directory where it lies below it, else its last two parts.

    >>> short("/somewhere/else/models/net.py:31")
    'models/net.py:31'
    """
    file, colon, line = place.rpartition(":")
    if not colon:
        return place
    path = Path(file)
    try:
        return f"{path.relative_to(Path.cwd())}:{line}"
    except (ValueError, OSError):
        return f"{Path(*path.parts[-2:])}:{line}"


def source(place: str) -> str:
    """The line of code at a place; empty where it cannot be read."""
    file, _, line = place.rpartition(":")
    return linecache.getline(file, int(line)) if line.isdigit() else ""
