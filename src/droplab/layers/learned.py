"""Layers whose drop rate is computed from parameters."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from droplab.errors import UserError
from droplab.layers.adopting import Adopting
from droplab.layers.layer import rate_of
from droplab.masks.checking import check_rate

LOWEST = -100.0
"""Log odds that stand for ``p = 0``: noise that no floating point number shows, and still a number."""


class LearnedRate(Adopting):
    """Base of layers that learn their drop rate. A subclass says what the log odds of its rates are.

    Attributes:
        p: the rate now; the mean where each weight or unit has one. Setting it sets the parameters.
        highest: rates up to this one can be set; below 1, where log odds have no number.
        learned: name of the parameter that rates are computed from.
    """

    highest: float = math.nextafter(1.0, 0.0)
    learned: str

    def _log_odds(self) -> Tensor:
        """``log p - log(1 - p)`` of each rate."""
        raise NotImplementedError

    def _set_log_odds(self, value: float) -> None:
        """Give all rates these log odds."""
        raise NotImplementedError

    _set: float = math.nan

    @property
    def p(self) -> float:
        """Drop rate: the probability that a unit is dropped; of noise, ``α / (1 + α)``. On ``meta``: what was set."""
        with torch.no_grad():
            odds = self._log_odds()
            return self._set if odds.is_meta else float(torch.sigmoid(odds.double()).mean())

    @p.setter
    def p(self, value: float | Tensor) -> None:
        rate = float(rate_of(value, type(self).__name__))
        check_rate(rate)
        if rate > self.highest:
            raise UserError(
                f"{type(self).__name__} got p = {rate:g}; a learned rate of at most {min(self.highest, 0.999):g} is "
                "wanted, beyond which nothing can be learned"
            )
        self.__dict__["_set"] = rate
        with torch.no_grad():
            self._set_log_odds(max(math.log(rate) - math.log1p(-rate), LOWEST) if rate else LOWEST)

    def reset_parameters(self) -> None:
        """Weights as the torch layer draws them, rates as they were set; as after ``to_empty`` from ``meta``."""
        super().reset_parameters()  # type: ignore[misc]  # a layer of torch's, in every subclass
        if self.learned in self._parameters:  # it comes after torch's
            self.p = self._set

    def _shown_rate(self) -> str:
        return f"p={self.p:.6g}"


def rate_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters of a model that are logarithms of rates or noise, not weights.

    What pulls weights to 0, such as weight decay, would pull these to loud noise: a logarithm of 0 is a variance of 1.

    >>> from droplab.nn import ConcreteDropoutLinear
    >>> [value.shape for value in rate_parameters(nn.Sequential(ConcreteDropoutLinear(8, 4)))]
    [torch.Size([1])]
    """
    layers = [layer for layer in model.modules() if isinstance(layer, LearnedRate)]
    return [value for layer in layers for name, value in layer.named_parameters(recurse=False) if name == layer.learned]
