"""Variational dropout of Kingma, Salimans and Welling as a linear layer."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn

from droplab.errors import UserError
from droplab.functional.checking import check_input
from droplab.functional.noise import widened
from droplab.functional.variational import kl_log_uniform_cubic, variational_linear
from droplab.nn.adopting import taken_over
from droplab.nn.learned import LearnedRate


class VariationalDropoutLinear(LearnedRate, nn.Linear):
    """A linear layer with learned Gaussian noise ``N(w, α w²)`` on its weights in training; the means in eval.

    ``y = x Wᵀ + b + ε √(x² (α W²)ᵀ)``, ``ε ~ N(0, 1)`` for each sample and output: variational dropout A. Kingma,
    Salimans and Welling, *Variational dropout and the local reparameterization trick*, NeurIPS 2015. ``α ≤ 1``, as
    there, that is ``p = α / (1 + α) ≤ 1/2``. Deviations: ``α = exp(-|log_alpha|)``, since behind a clamp there is no
    gradient to come back by; the constant of the KL term, see ``droplab.functional.kl_log_uniform_cubic``.

    Add ``droplab.nn.penalty(model) / len(training_set)`` to the mean loss.

    Args:
        in_features: as for ``torch.nn.Linear``.
        out_features: as for ``torch.nn.Linear``.
        bias: as for ``torch.nn.Linear``.
        p: the rate to begin with, in [0, 1/2]; Gaussian dropout's ``α = p / (1 - p)``.
        per: what has an α of its own: the ``"layer"``, each input ``"unit"``, or each ``"weight"``.
        device: as for ``torch.nn.Linear``.
        dtype: as for ``torch.nn.Linear``.

    Shapes: ``(N, *, in)`` to ``(N, *, out)``. ``state_dict``: ``weight``, ``bias``, and ``log_alpha``, which is
    ``(1,)``, ``(in,)`` or ``(out, in)``.

    >>> VariationalDropoutLinear(8, 4, p=0.2, per="unit")
    VariationalDropoutLinear(p=0.2, per='unit', in_features=8, out_features=4, bias=True)
    """

    highest = 0.5
    learned = "log_alpha"

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        p: float | Tensor = 0.2,
        per: str = "layer",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, device, dtype)
        self.equip(p, per)

    @classmethod
    def adopt(cls, module: nn.Module, p: float | Tensor = 0.2, *, per: str = "layer") -> Self:
        """The layer with the parameters of an ``nn.Linear``, which stay what they are.

        Raises:
            UserError: not exactly an ``nn.Linear``, ``p`` outside [0, 1/2], or an unknown ``per``.
        """
        new = taken_over(cls, module, nn.Linear)
        new.equip(p, per)
        return new

    def equip(self, p: float | Tensor, per: str) -> None:
        """Set what the layer has beside its torch twin."""
        shapes = {"layer": (1,), "unit": (self.in_features,), "weight": (self.out_features, self.in_features)}
        if per not in shapes:
            raise UserError(f"VariationalDropoutLinear got per {per!r}; 'layer', 'unit' or 'weight' is wanted")
        self.per = per
        self.log_alpha = nn.Parameter(self.weight.new_zeros(shapes[per]))
        self.p = p

    def _log_odds(self) -> Tensor:
        return torch.where(self.log_alpha > 0, -self.log_alpha, self.log_alpha)  # at 0 there is a gradient too

    def _set_log_odds(self, value: float) -> None:
        self.log_alpha.fill_(value)

    def penalty(self) -> Tensor:
        """The KL term of all weights, in nats; see ``droplab.functional.kl_log_uniform_cubic``."""
        return kl_log_uniform_cubic(widened(self._log_odds())).expand_as(self.weight).sum()

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, *, in)`` to ``(N, *, out)``."""
        check_input(input, "VariationalDropoutLinear")
        if not self.training:
            return super().forward(input)
        variance = widened(self._log_odds()).exp() * widened(self.weight).square()
        return variational_linear(input, self.weight, variance, self.bias, key=self._key(input))

    def extra_repr(self) -> str:
        """The rate, what has one, and what the linear layer shows."""
        return f"p={self.p:.6g}, per={self.per!r}, {nn.Linear.extra_repr(self)}"
