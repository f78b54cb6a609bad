"""Standard dropout as a layer."""

from __future__ import annotations

from torch import Tensor, nn

from droplab import functional
from droplab.nn.layer import DropLayer


class Dropout(DropLayer, nn.Dropout):
    """Drop each element with probability ``p`` in training, scale the others by ``1 / (1 - p)``; identity in eval.

    See ``droplab.functional.dropout`` for equation, papers and deviations. In the place of ``torch.nn.Dropout``
    (which it is a subclass of): same arguments, errors and ``repr``, no mask kept for the backward pass, and keyed
    masks within ``droplab.keyed``.

    Args:
        p: drop rate in [0, 1].
        inplace: write into the input.

    Shapes: any; the output has the input's.

    >>> import torch
    >>> layer = Dropout(0.5)
    >>> layer
    Dropout(p=0.5, inplace=False)
    >>> layer.eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Any shape to the same shape."""
        if not self.training:
            return input
        return functional.dropout(input, self._current_rate(), True, self.inplace, key=self._key(input))
