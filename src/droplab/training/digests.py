"""What tells one model from another: digests of weights, and of anything else by name."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor, nn


def weights_digest(model: nn.Module) -> str:
    """16 hex digits of the SHA-256 of a ``state_dict``: names, shapes, types and bits, on whatever device.

    >>> torch.manual_seed(0); a = weights_digest(nn.Linear(2, 2))  # doctest: +ELLIPSIS
    <torch...>
    >>> torch.manual_seed(1); b = weights_digest(nn.Linear(2, 2))  # doctest: +ELLIPSIS
    <torch...>
    >>> a == b, len(a)
    (False, 16)
    """
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        update(digest, name, value)
    return digest.hexdigest()[:16]


def update(digest: Any, name: str, value: Any) -> None:
    """Feed a named value to a digest: a dense tensor's shape, type and bits, of anything else its type alone."""
    digest.update(f"{name}: ".encode())
    if not isinstance(value, Tensor) or value.layout is not torch.strided or nn.parameter.is_lazy(value):
        digest.update(f"{type(value).__name__}\n".encode())
        return
    digest.update(f"{value.dtype} {tuple(value.shape)}\n".encode())
    plain = value.detach().cpu().contiguous().resolve_conj().resolve_neg()
    digest.update(plain.reshape(-1).view(torch.uint8).numpy().data)
