"""What names a mask completely."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from droplab import rng
from droplab.functional.internals import assume_constant

_id_of: Callable[[str], int] = assume_constant(rng.layer_id)


class Key(NamedTuple):
    """Same key, same mask: on every device, in every backend, however the batch is cut.

    ``droplab.keyed`` gives each layer of a model its key; with a function, hand one over yourself.

    >>> import torch, droplab.functional as F
    >>> x, key = torch.ones(4, 6), Key(seed=1, layer="fc1", step=3)
    >>> whole = F.dropout(x, 0.5, key=key)
    >>> second_half = F.dropout(x[2:], 0.5, key=key._replace(samples=2))
    >>> torch.equal(whole[2:], second_half)
    True
    """

    seed: int | Tensor
    """64 bits; as a tensor, 0-d int64."""
    layer: int | str
    """32 bits, or a name to take them from."""
    step: int | Tensor = 0
    """Counts training steps, 32 bits; as a tensor, 0-d int64."""
    samples: int | Tensor = 0
    """Global sample ids: int64 ``(N,)``, or the id of the first sample from which the others count up. Without a
    ``batch_dim``: the one id (int or 0-d) of the whole tensor."""
    batch_dim: int | None = 0
    """The dimension of samples; ``None`` where the tensor is one sample."""

    @property
    def layer_id(self) -> int:
        """The layer as 32 bits."""
        return _id_of(self.layer) if isinstance(self.layer, str) else self.layer & 0xFFFFFFFF
