"""Standout: dropout whose rate follows each unit's own input."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from droplab.errors import UserError
from droplab.layers.adopting import Adopting
from droplab.masks.checking import check_input, check_rate
from droplab.masks.key import Key
from droplab.masks.noise import uniform, widened
from droplab.variants.kind import Kind

__all__ = ["LinearStandout", "standout"]


def standout(
    input: Tensor, preactivation: Tensor, p: float | Tensor = 0.5, training: bool = True, *, alpha: float = 1.0,
    key: Key | None = None,
) -> Tensor:  # fmt: skip
    """Keep each unit with a probability of its own, which grows with what arrives at the unit.

    With ``a`` the preactivation and ``f(a)`` the input, the keep probability is ``k = σ(α a + β)`` and ::

        training  y = f(a) m,   m = 1 with probability k, else 0
        eval      y = f(a) k    the mean of that

    ``β = log((1 - p) / p)``, so that ``p`` is the drop rate of a unit whose preactivation is 0: a unit that is far
    above is kept, one that is far below is dropped. ``α = 0`` is standard dropout of rate ``p``, without its scale.
    Ba and Frey, *Adaptive dropout for training deep neural networks*, NeurIPS 2013, with the weights of the layer
    itself for those of the dropout network (the paper's ``π = α w + β``). Deviations: β is added to the
    preactivation, where the paper's formula reads as if it were added to each weight. As in the paper, what is kept
    is not scaled, and no gradient passes through the mask in training.

    Args:
        input: what the units give, ``f(a)``; any shape, floating point. For ReLU it may be the preactivation itself,
            with ReLU applied to the result.
        preactivation: ``a``, of the same shape.
        p: drop rate at a preactivation of 0, in [0, 1]; 0 keeps and 1 drops everything.
        training: where false, the mean.
        alpha: how much the rate follows the preactivation.
        key: as for ``dropout``.

    Raises:
        UserError: ``p`` outside [0, 1], shapes that differ, or an input that is not floating point.

    >>> a = torch.tensor([-9.0, 0.0, 9.0])
    >>> standout(a.relu(), a, 0.5, training=False)
    tensor([0.0000, 0.0000, 8.9989])
    >>> standout(torch.ones(3), a, 0.5, training=False)
    tensor([1.2339e-04, 5.0000e-01, 9.9988e-01])
    """
    check_rate(p, learned=not training)
    check_input(input, "standout")
    if input.shape != preactivation.shape:
        raise UserError(
            f"standout got an input of {tuple(input.shape)} and preactivations of {tuple(preactivation.shape)}; the "
            "same shape is wanted"
        )
    if not training:
        return input * _keep(preactivation, p, alpha).to(input.dtype)
    keep = _keep(preactivation.detach(), p, alpha)
    kept = uniform(keep, key=key) <= keep  # a uniform number may round to 1, never to 0
    return torch.where(kept, input, 0.0)


def _keep(preactivation: Tensor, p: float | Tensor, alpha: float) -> Tensor:
    received = widened(preactivation)
    if isinstance(p, Tensor):
        return torch.sigmoid(alpha * received - torch.logit(p.to(received)))
    beta = math.log((1 - p) / p) if 0 < p < 1 else math.inf * (1 - 2 * p)
    return torch.sigmoid(alpha * received + beta)


class LinearStandout(Adopting, nn.Linear):
    """A linear layer whose units are kept with probability ``σ(α a + β)``, ``a`` what each unit receives.

    ``a = x Wᵀ + b``; ``y = a m`` in training, ``y = a σ(α a + β)`` in eval, ``β = log((1 - p) / p)``. See
    ``droplab.functional.standout`` for paper and deviations. Follow it by ReLU, which commutes with the mask: that is
    the paper's layer. For another activation ``f``, call the function with ``f(a)`` and ``a``.

    Args:
        in_features, out_features, bias, device, dtype: as for ``torch.nn.Linear``.
        p: drop rate of a unit that receives 0, in [0, 1].
        alpha: how much the rate follows what a unit receives; 0 is the same rate for all.

    Shapes: ``(N, *, in)`` to ``(N, *, out)``. ``state_dict``: ``weight`` and ``bias``.

    >>> LinearStandout(8, 4, p=0.3)
    LinearStandout(p=0.3, alpha=1.0, in_features=8, out_features=4, bias=True)
    >>> LinearStandout.adopt(nn.Linear(8, 4), alpha=2.0)
    LinearStandout(p=0.5, alpha=2.0, in_features=8, out_features=4, bias=True)
    """

    twin = nn.Linear
    shown = ("alpha",)

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, p: float | Tensor = 0.5, alpha: float = 1.0,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(in_features, out_features, bias, device, dtype)
        self.equip(p, alpha=alpha)

    def equip(self, p: float | Tensor = 0.5, *, alpha: float = 1.0) -> None:
        """The rate, and how it follows."""
        self.p, self.alpha = p, alpha

    def forward(self, input: Tensor) -> Tensor:
        """``(N, *, in)`` to ``(N, *, out)``."""
        check_input(input, "LinearStandout")
        a = super().forward(input)
        rate, key = self._rated(input) if self.training else (self._current_rate(), None)
        return standout(a, a, rate, self.training, alpha=self.alpha, key=key)


KINDS = (
    Kind(
        "standout", LinearStandout, "Ba and Frey, Adaptive dropout for training deep neural networks, NeurIPS 2013",
        "a = x Wᵀ + b, y = a m, m = 1 with probability σ(α a + β), else 0; β = log((1 - p) / p)",
        "nothing; the rate is each unit's own", eval_law="y = a σ(α a + β), the mean", has_parameters=True,
        example="droplab.nn.LinearStandout(24, 6, p=0.5)",
        deviations="β is added to what a unit receives, not to each weight; the activation comes after",
    ),
)  # fmt: skip
