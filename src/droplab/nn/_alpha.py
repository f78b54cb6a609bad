"""Alpha dropout as layers."""

from __future__ import annotations

from torch import Tensor, nn

from droplab import functional
from droplab.nn.layer import DropLayer


class AlphaDropout(DropLayer, nn.AlphaDropout):
    """Alpha dropout in training, for networks of SELUs; identity in eval.

    See ``droplab.functional.alpha_dropout``. In the place of ``torch.nn.AlphaDropout``, which it is a subclass of;
    unlike torch's it obeys ``inplace``.

    >>> AlphaDropout(0.2)
    AlphaDropout(p=0.2, inplace=False)
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Any shape to the same shape."""
        key = self._key(input) if self.training else None
        return functional.alpha_dropout(input, self._current_rate(), self.training, self.inplace, key=key)


class FeatureAlphaDropout(DropLayer, nn.FeatureAlphaDropout):
    """Alpha dropout of whole channels of ``(N, C, *)`` in training; identity in eval.

    See ``droplab.functional.feature_alpha_dropout``. In the place of ``torch.nn.FeatureAlphaDropout``, which it is a
    subclass of; unlike torch's it obeys ``inplace``.

    >>> FeatureAlphaDropout(0.2)
    FeatureAlphaDropout(p=0.2, inplace=False)
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, C, *)`` to the same shape."""
        key = self._key(input) if self.training else None
        return functional.feature_alpha_dropout(input, self._current_rate(), self.training, self.inplace, key=key)
