"""Which part of every batch a rank trains on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from droplab.errors import UserError


@dataclass(frozen=True)
class Share:
    """A rank's place, and the samples of a batch of all ranks together."""

    rank: int
    ranks: int
    batch: int

    @property
    def batch_size(self) -> int:
        """Samples of this rank's in a batch."""
        return self.batch // self.ranks

    def counted(self, samples: int, *, drop_last: bool) -> int:
        """How many samples all ranks together train on.

        Raises:
            UserError: batches cannot be shared equally.

        >>> Share(0, 2, 8).counted(21, drop_last=True)
        16
        """
        if self.ranks == 1:
            return samples
        if self.batch % self.ranks:
            raise UserError(
                f"run.loader got batch_size={self.batch} for {self.ranks} ranks; it is that of all ranks together, and "
                f"each has the same share: give a multiple of {self.ranks}"
            )
        if drop_last:
            return samples - samples % self.batch
        if samples % self.batch % self.ranks:
            raise UserError(
                f"the last batch has {samples % self.batch} samples, which {self.ranks} ranks cannot share equally; "
                "leave it out, run.loader(…, drop_last=True), or take another batch_size"
            )
        return samples

    def of(self, order: Tensor) -> Tensor:
        """This rank's part of each batch, one after the other.

        >>> from torch import arange
        >>> Share(1, 2, 4).of(arange(10)).tolist()
        [2, 3, 6, 7, 9]
        """
        if self.ranks == 1:
            return order
        return torch.cat([batch.chunk(self.ranks)[self.rank] for batch in torch.split(order, self.batch)])
