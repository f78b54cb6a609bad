"""What ``droplab.keyed`` puts on every layer of a model for the time of a step, and what it may be made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from droplab.errors import KeyingError

_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
_HIGHEST = 2**32 - 1
"""Of steps and sample ids, which have 32 bits of a mask's counter."""


class Keying:
    """Seed, step, samples and rank, checked; as numbers for eager mode and as tensors for graphs.

    Raises:
        KeyingError: a seed, step or samples of a type, shape or range that names no mask.
    """

    def __init__(self, seed: Any, step: Any, samples: Any, rank: int, device: Any) -> None:
        self.seed = _number(seed, "seed", -(2**63), 2**64 - 1)
        self.step = _number(step, "step", 0, _HIGHEST)
        self.samples = _ids(samples)
        self.rank = rank
        self.seed_tensor = _on_device(self.seed, device)
        self.step_tensor = _on_device(self.step, device)

    def __deepcopy__(self, memo: Any) -> None:
        """No copy of a layer is keyed, whoever copies it, and however."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()


def _number(value: Any, name: str, lowest: int, highest: int) -> int | Tensor:
    """A whole number in a range, or a 0-d int64 tensor; the value of one on a GPU is not looked at."""
    if type(value) is not int:
        if isinstance(value, Tensor):
            if value.ndim or value.dtype != torch.int64:
                raise KeyingError(
                    f"droplab.keyed got {name} = a {value.dtype} tensor of shape {tuple(value.shape)}; a whole number, "
                    "or a 0-d int64 tensor, is wanted"
                )
            if value.is_cpu and not torch.compiler.is_compiling():
                _in_range(int(value), name, lowest, highest)
            return value
        if isinstance(value, np.ndarray) and not value.ndim:
            value = value[()]
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise KeyingError(
                f"droplab.keyed got {name} = {value!r} ({type(value).__name__}); a whole number, or a 0-d int64 "
                "tensor, is wanted"
            )
        value = int(value)
    _in_range(value, name, lowest, highest)
    number: int = value
    return number


def _in_range(value: int, name: str, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise KeyingError(
            f"droplab.keyed got {name} = {value}; a number from {lowest} to {highest} is wanted, since others would "
            "share their masks with one of these"
        )


def _ids(samples: Any) -> Tensor | None:
    """Sample ids as int64 ``(N,)``; those on a GPU are not looked at, which would wait for it."""
    if samples is None:
        return None
    if isinstance(samples, np.ndarray) and samples.dtype.kind in "iu":
        samples = torch.from_numpy(samples.astype(np.int64))
    if not isinstance(samples, Tensor) or samples.dtype not in _INTEGERS or samples.ndim != 1:
        got = f"a {samples.dtype} {type(samples).__name__} of shape {tuple(samples.shape)}" if hasattr(
            samples, "dtype"
        ) else f"{samples!r} ({type(samples).__name__})"  # fmt: skip
        raise KeyingError(
            f"droplab.keyed got samples = {got}; an int64 tensor of shape (N,), the number of each sample in the data "
            "set, is wanted, such as torch.arange(N)"
        )
    ids: Tensor = samples.long()
    if ids.is_cpu and len(ids):
        low, high = (int(value) for value in ids.aminmax())
        _in_range(low, "a sample id", 0, _HIGHEST)
        _in_range(high, "a sample id", 0, _HIGHEST)
    return ids


def _on_device(value: int | Tensor, device: Any) -> Tensor:
    """0-d int64; what compiled graphs take, so that a new value compiles nothing."""
    if isinstance(value, Tensor):
        return value
    wrapped = (value + (1 << 63)) % (1 << 64) - (1 << 63)
    return torch.tensor(wrapped, dtype=torch.int64, device=device)
