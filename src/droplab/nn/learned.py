"""Layers whose drop rate is computed from parameters."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from droplab.errors import UserError
from droplab.functional.checking import check_rate
from droplab.nn.layer import DropLayer

LOWEST = -100.0
"""Log odds that stand for ``p = 0``: noise that no floating point number shows, and still a number."""


class LearnedRate(DropLayer):
    """Base of layers that learn their drop rate. A subclass says what the log odds of its rates are.

    Attributes:
        p: the rate now; the mean where each weight or unit has one. Setting it sets the parameters.
        highest: rates up to this one can be set; below 1, where log odds have no number.
    """

    highest: float = math.nextafter(1.0, 0.0)

    def _log_odds(self) -> Tensor:
        """``log p - log(1 - p)`` of each rate."""
        raise NotImplementedError

    def _set_log_odds(self, value: float) -> None:
        """Give all rates these log odds."""
        raise NotImplementedError

    @property
    def p(self) -> float:
        """Drop rate: the probability that a unit is dropped; of noise, ``α / (1 + α)``."""
        with torch.no_grad():
            return float(torch.sigmoid(self._log_odds().double()).mean())

    @p.setter
    def p(self, value: float | Tensor) -> None:
        check_rate(value)
        rate = float(value)
        check_rate(rate)
        if rate > self.highest:
            raise UserError(
                f"{type(self).__name__} got p = {rate:g}; a learned rate of at most {min(self.highest, 0.999):g} is "
                "wanted, beyond which nothing can be learned"
            )
        with torch.no_grad():
            self._set_log_odds(max(math.log(rate) - math.log1p(-rate), LOWEST) if rate else LOWEST)

    def extra_repr(self) -> str:
        """The rate first, then what the torch layer shows."""
        return f"p={self.p:.6g}, {super(DropLayer, self).extra_repr()}"
