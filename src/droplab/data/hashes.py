"""Samples that two parts share: what a model has trained on is no test of it."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
import torch

from droplab.data.trees import leaves, picked
from droplab.records import Notice


class Duplicates(NamedTuple):
    """Samples of a part whose inputs another part has too, to the bit."""

    part: str
    other: str
    shared: int
    samples: int
    """Of the part, in all."""
    first: tuple[int, int]
    """A pair of them, by their numbers in both parts."""

    def notice(self) -> Notice:
        """For the verdict."""
        return Notice(f"duplicates_{self.part}", detail={"shared": self.shared, "count": self.samples})

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
    mine, theirs = _marks(inputs), _marks(others)
    maybe = np.flatnonzero(np.isin(mine, theirs))
    if not len(maybe):
        return None
    known: dict[bytes, int] = {}
    wanted = np.flatnonzero(np.isin(theirs, mine))
    for at, digest in zip(wanted.tolist(), _digests_of(others, wanted), strict=True):
        known.setdefault(digest, at)
    found = zip(maybe.tolist(), _digests_of(inputs, maybe), strict=True)
    shared = [(at, known[digest]) for at, digest in found if digest in known]
    return Duplicates(part, other, len(shared), len(mine), shared[0]) if shared else None


def _digests_of(inputs: Any, at: Any) -> list[bytes]:
    return digests(picked(inputs, torch.from_numpy(at)))


_ROWS = 4096


def _marks(inputs: Any) -> Any:
    """``(N,)`` of 64 bits: the same for the same bits, and seldom for others; many times faster than digests."""
    marks: Any = np.uint64(0)
    for number, (_, tensor) in enumerate(leaves(inputs)):
        array = np.ascontiguousarray(tensor.cpu().numpy())
        rows = array.reshape(len(array), -1).view(np.uint8)
        words = -(-rows.shape[1] // 8)
        factors = np.random.default_rng(number).integers(2**63, size=words, dtype=np.uint64) * np.uint64(2) + np.uint64(
            1
        )
        marks = marks + np.concatenate([_weighed(rows[at : at + _ROWS], factors) for at in range(0, len(rows), _ROWS)])
    return marks


def _weighed(rows: Any, factors: Any) -> Any:
    padded = np.zeros((len(rows), 8 * len(factors)), np.uint8)
    padded[:, : rows.shape[1]] = rows
    return (padded.view(np.uint64) * factors).sum(1, dtype=np.uint64)
