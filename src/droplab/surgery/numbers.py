"""Dropout that a module of torch's does by a number of its own: attention's probabilities, a recurrent stack's layers.

Its site is the attribute's name, ``encoder.self_attn.dropout`` or ``lstm.dropout``: a rate can be set, a kind cannot.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from droplab.errors import UserError
from droplab.layers.layer import rate_of
from droplab.layers.unreached import drops_by_number


class OwnRate:
    """A module's number as what drops at a site: its ``p`` is the number.

    >>> rate = OwnRate(nn.MultiheadAttention(4, 2, dropout=0.1))
    >>> rate.p = 0.2; rate.p
    0.2
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    @property
    def p(self) -> float:
        """Drop rate: the probability that a unit is dropped."""
        rate: Any = self.module.dropout
        return float(rate)

    @p.setter
    def p(self, value: float) -> None:
        self.module.dropout = float(value)  # type: ignore[assignment]  # a plain attribute that Module's types do not know


def checked_rate(value: Any, site: str) -> float:
    """A drop rate for a site.

    Raises:
        UserError: something else than a number in [0, 1].

    >>> checked_rate("0.2", "drop1")
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: drop1 got p = '0.2' (str); a number in [0, 1], or a 0-d tensor, is wanted
    """
    if isinstance(value, Tensor):
        raise UserError(
            f"{site} got p = {value!r}; a number in [0, 1] is wanted. A tensor that moves is given to the layer of "
            "droplab's itself: layer.p = tensor"
        )
    rate: float = rate_of(value, site)
    return rate


def own_rates(model: nn.Module) -> dict[str, OwnRate]:
    """Every such number of a model by its site.

    >>> list(own_rates(nn.TransformerEncoderLayer(8, 2, 8)))
    ['self_attn.dropout']
    """
    return {
        f"{name}.dropout".lstrip("."): OwnRate(module)
        for name, module in model.named_modules()
        if drops_by_number(module)
    }
