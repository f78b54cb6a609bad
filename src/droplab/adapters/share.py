"""A rank's share of every batch, outside of droplab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import Sampler

from droplab.training.ranks import share_here
from droplab.training.share import Share


class _Shared(Sampler[int]):
    """Another order in every pass, the same on all ranks, of which each has its part."""

    def __init__(self, count: int, share: Share) -> None:
        self._count, self._share, self._passes = count, share, 0

    def __len__(self) -> int:
        return self._count // self._share.ranks

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._passes)
        self._passes += 1
        yield from self._share.of(torch.randperm(self._count, generator=generator)).tolist()


def share_of(dataset: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Options of a ``DataLoader`` that shuffles; under ``torchrun`` a sampler, and a batch of the rank's own.

    >>> share_of(range(8), {"batch_size": 4})
    {'shuffle': True}
    """
    rank, ranks = share_here()
    if ranks == 1:
        return {"shuffle": True}
    share = Share(rank, ranks, options["batch_size"])
    count = share.counted(len(dataset), drop_last=bool(options.get("drop_last")))
    return {"sampler": _Shared(count, share), "batch_size": share.batch_size}
