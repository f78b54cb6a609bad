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


_ROOM = 2**30
"""Bytes that they may have together."""


def _some_of(source: Source) -> tuple[Any, Any]:
    """Inputs and targets: all where they are in memory, else some at equal distances."""
    if isinstance(source, Samples):
        return source.inputs, source.targets
    each = sum(tensor.nbytes for _, tensor in leaves(tuple(source.take(torch.tensor([0])))))
    count = min(len(source), _LOOK, max(1, _ROOM // max(1, each)))
    return source.take(_spread(source, count))


def _spread(source: Source, count: int) -> Tensor:
    return torch.linspace(0, len(source) - 1, count).round().long()


def _targets(source: Source, found: Any) -> Any:
    """All targets where the data set lists them, and those that were read are among them."""
    listed = listed_targets(source) if on_disk(source) else None
    if listed is None or not isinstance(found, Tensor):
        return found
    return listed if torch.equal(listed[_spread(source, len(found))], found) else found


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
        targets[name] = _targets(part, some[1])
        if any(map(on_disk, parts.values())):
            marks[name] = digests(some[0])
        del some
    for chosen in indices:
        digest.update(np.ascontiguousarray(chosen, dtype="<i8").data)
    return digest.hexdigest(), targets, marks
