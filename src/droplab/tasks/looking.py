"""What is read of a split's samples before anything is trained: all that are in memory, of others some."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from droplab.data.hashes import digests
from droplab.data.on_disk import listed_targets, on_disk
from droplab.data.picked import Source
from droplab.data.samples import Samples
from droplab.data.trees import leaves

_LOOK = 512
"""Samples of a source that is not in memory whose targets are looked at."""


def _ids(source: Source) -> Tensor:
    """Samples at equal distances."""
    return torch.linspace(0, len(source) - 1, min(len(source), _LOOK)).round().long()


def _targets(source: Source, ids: Tensor, found: Any) -> Any:
    """All targets where the data set lists them, and those that were read are among them."""
    listed = listed_targets(source)
    same = listed is not None and isinstance(found, Tensor) and torch.equal(listed[ids], found)
    return listed if same else found


def _some_of(source: Source) -> Any:
    """All samples where they are in memory, else some at equal distances."""
    return (source.inputs, source.targets) if isinstance(source, Samples) else tuple(source.take(_ids(source)))


def looked_at(parts: Mapping[str, Source], indices: list[Any]) -> tuple[str, dict[str, Any], dict[str, list[bytes]]]:
    """The fingerprint of all, and each part's targets, of one reading: what stays on disk may be slow, and large.

    Last, where some do, digests of the inputs that were read.
    """
    digest = hashlib.sha256(b"droplab task split 1\n")
    targets, marks = {}, dict[str, list[bytes]]()
    for name, part in parts.items():
        some = _some_of(part)
        digest.update(f"{name}: {len(part)}\n".encode())
        for path, tensor in leaves(some):
            array = np.ascontiguousarray(tensor.cpu().numpy())
            digest.update(f"{path}: {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.reshape(-1).view(np.uint8).data)
        targets[name] = _targets(part, _ids(part), some[1]) if on_disk(part) else some[1]
        if any(map(on_disk, parts.values())):
            marks[name] = digests(some[0])
        del some
    for chosen in indices:
        digest.update(np.ascontiguousarray(chosen, dtype="<i8").data)
    return digest.hexdigest(), targets, marks
