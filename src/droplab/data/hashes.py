"""Samples that two parts share: what a model has trained on is no test of it."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np

from droplab.data.trees import leaves


class Duplicates(NamedTuple):
    """Samples of a part whose inputs another part has too, to the bit."""

    part: str
    other: str
    shared: int
    samples: int
    """Of the part, in all."""
    first: tuple[int, int]
    """A pair of them, by their numbers in both parts."""

    def __str__(self) -> str:
        return (
            f"{self.shared:,} of {self.samples:,} samples of {self.part} are in {self.other} too, to the bit (sample "
            f"{self.first[0]} is {self.other}'s {self.first[1]}); figures on {self.part} are too good by that. Leave "
            "them out of one part, or cut by groups"
        )


def digests(inputs: Any) -> list[bytes]:
    """16 bytes for each sample's inputs.

    >>> import torch
    >>> first, second, third = digests(torch.tensor([[1.0], [2.0], [1.0]]))
    >>> first == third != second
    True
    """
    found: list[Any] = []
    for _, tensor in leaves(inputs):
        array = tensor.cpu().numpy()
        rows = np.ascontiguousarray(array).reshape(len(array), -1).view(np.uint8)
        if not found:
            found = [hashlib.blake2b(digest_size=16) for _ in range(len(rows))]
        for digest, row in zip(found, rows, strict=True):
            digest.update(row.data)
    return [digest.digest() for digest in found]


def duplicates(part: str, inputs: Any, other: str, others: Any) -> Duplicates | None:
    """What a part's inputs share with another's; ``None`` where that is nothing.

    Args:
        part: the name of the one that is measured on.
        inputs: its inputs, a tree of tensors.
        other: the name of the one that is trained on.
        others: its inputs.

    >>> import torch
    >>> duplicates("validation", torch.tensor([[5.0], [2.0]]), "train", torch.tensor([[1.0], [2.0]])).first
    (1, 1)
    """
    known: dict[bytes, int] = {}
    for at, digest in enumerate(digests(others)):
        known.setdefault(digest, at)
    mine = digests(inputs)
    shared = [(at, known[digest]) for at, digest in enumerate(mine) if digest in known]
    return Duplicates(part, other, len(shared), len(mine), shared[0]) if shared else None
