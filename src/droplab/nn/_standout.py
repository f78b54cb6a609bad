"""Standout as a linear layer."""

from __future__ import annotations

from typing import Any, Self

from torch import Tensor, nn

from droplab.functional.checking import check_input
from droplab.functional.standout import standout
from droplab.nn.adopting import taken_over
from droplab.nn.layer import DropLayer


class LinearStandout(DropLayer, nn.Linear):
    """A linear layer whose units are kept with probability ``σ(α a + β)``, ``a`` what each unit receives.

    ``a = x Wᵀ + b``; ``y = a m`` in training, ``y = a σ(α a + β)`` in eval, ``β = log((1 - p) / p)``. See
    ``droplab.functional.standout`` for paper and deviations. Follow it by ReLU, which commutes with the mask: that is
    the paper's layer. For another activation ``f``, call the function with ``f(a)`` and ``a``.

    Args:
        in_features: as for ``torch.nn.Linear``.
        out_features: as for ``torch.nn.Linear``.
        bias: as for ``torch.nn.Linear``.
        p: drop rate of a unit that receives 0, in [0, 1].
        alpha: how much the rate follows what a unit receives; 0 is the same rate for all.
        device: as for ``torch.nn.Linear``.
        dtype: as for ``torch.nn.Linear``.

    Shapes: ``(N, *, in)`` to ``(N, *, out)``. ``state_dict``: ``weight`` and ``bias``.

    >>> LinearStandout(8, 4, p=0.3)
    LinearStandout(p=0.3, alpha=1.0, in_features=8, out_features=4, bias=True)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        p: float | Tensor = 0.5,
        alpha: float = 1.0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, device, dtype)
        self.p = p
        self.alpha = alpha

    @classmethod
    def adopt(cls, module: nn.Module, p: float | Tensor = 0.5, *, alpha: float = 1.0) -> Self:
        """The layer with the parameters of an ``nn.Linear``, which stay what they are.

        Raises:
            UserError: not exactly an ``nn.Linear``, or ``p`` outside [0, 1].
        """
        new = taken_over(cls, module, nn.Linear)
        new.p = p
        new.alpha = alpha
        return new

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, *, in)`` to ``(N, *, out)``."""
        check_input(input, "LinearStandout")
        a = super().forward(input)
        key = self._key(input) if self.training else None
        return standout(a, a, self._current_rate(), self.training, alpha=self.alpha, key=key)

    def extra_repr(self) -> str:
        """Rate, alpha and what the linear layer shows."""
        return f"{DropLayer.extra_repr(self)}, alpha={self.alpha}, {nn.Linear.extra_repr(self)}"
