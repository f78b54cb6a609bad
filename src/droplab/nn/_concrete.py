"""Concrete dropout in front of linear and convolution layers."""

from __future__ import annotations

from typing import Any, Self

from torch import Tensor, nn

from droplab.errors import RankError
from droplab.functional.checking import check_input
from droplab.functional.concrete import check_temperature, concrete_dropout, concrete_penalty
from droplab.nn.adopting import taken_over
from droplab.nn.learned import LearnedRate


class _Concrete(LearnedRate):
    """What both layers have: ``p_logit``, temperature, and the options of the penalty."""

    learned = "p_logit"
    weight: Tensor

    def equip(self, p: float | Tensor, temperature: float, length_scale: float, tau: float) -> None:
        """Set what the layer has beside its torch twin."""
        check_temperature(temperature)
        self.temperature, self.length_scale, self.tau = temperature, length_scale, tau
        self.p_logit = nn.Parameter(self.weight.new_zeros(1))  # not 0-d, which sharding wrappers refuse
        self.p = p

    def _log_odds(self) -> Tensor:
        return self.p_logit

    def _set_log_odds(self, value: float) -> None:
        self.p_logit.fill_(value)

    def penalty(self) -> Tensor:
        """Weight regulariser minus entropy, in nats; see ``droplab.functional.concrete_penalty``."""
        units = self.weight.shape[1] * getattr(self, "groups", 1)
        return concrete_penalty(self.weight, self.p_logit, units, length_scale=self.length_scale, tau=self.tau)


class ConcreteDropoutLinear(_Concrete, nn.Linear):
    """A linear layer with dropout of a learned rate on its inputs in training; the plain layer in eval.

    ``y = d(x) Wᵀ + b`` with ``d`` of ``droplab.functional.concrete_dropout`` (paper, equation and deviations there).
    Add ``droplab.nn.penalty(model) / len(training_set)`` to the mean loss: without it the rate falls to 0. In eval
    the weights are their means; for Monte Carlo predictions call the layer in training mode.

    Args:
        in_features: as for ``torch.nn.Linear``.
        out_features: as for ``torch.nn.Linear``.
        bias: as for ``torch.nn.Linear``.
        p: the rate to begin with, in [0, 1); at 0 there is nothing to learn from.
        temperature: of the relaxed mask; the paper's 0.1.
        length_scale: ``l`` of the prior; see ``droplab.functional.concrete_penalty``.
        tau: precision of the observations; see there.
        device: as for ``torch.nn.Linear``.
        dtype: as for ``torch.nn.Linear``.

    Shapes: ``(N, *, in)`` to ``(N, *, out)``. ``state_dict``: ``weight``, ``bias`` and ``p_logit``, ``(1,)``.

    >>> ConcreteDropoutLinear(8, 4, p=0.2)
    ConcreteDropoutLinear(p=0.2, in_features=8, out_features=4, bias=True)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        p: float | Tensor = 0.1,
        temperature: float = 0.1,
        length_scale: float = 1e-2,
        tau: float = 1.0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, device, dtype)
        self.equip(p, temperature, length_scale, tau)

    @classmethod
    def adopt(
        cls,
        module: nn.Module,
        p: float | Tensor = 0.1,
        *,
        temperature: float = 0.1,
        length_scale: float = 1e-2,
        tau: float = 1.0,
    ) -> Self:
        """The layer with the parameters of an ``nn.Linear``, which stay what they are.

        Raises:
            UserError: not exactly an ``nn.Linear``, or ``p`` outside [0, 1).
        """
        new = taken_over(cls, module, nn.Linear)
        new.equip(p, temperature, length_scale, tau)
        return new

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, *, in)`` to ``(N, *, out)``."""
        check_input(input, "ConcreteDropoutLinear")
        if self.training:
            input = concrete_dropout(  # noqa: A001
                input, self.p_logit, temperature=self.temperature, key=self._key(input)
            )
        return super().forward(input)


class ConcreteDropoutConv2d(_Concrete, nn.Conv2d):
    """A 2d convolution with channel dropout of a learned rate on its inputs in training; the plain layer in eval.

    One draw for each sample and input channel. See ``ConcreteDropoutLinear``. Deviation: the authors' code takes a
    temperature of 2/3 for convolutions; here it is 0.1 as in the paper.

    Args:
        in_channels: as for ``torch.nn.Conv2d``.
        out_channels: as for ``torch.nn.Conv2d``.
        kernel_size: as for ``torch.nn.Conv2d``.
        p: the rate to begin with, in [0, 1); at 0 there is nothing to learn from.
        temperature: of the relaxed mask.
        length_scale: ``l`` of the prior; see ``droplab.functional.concrete_penalty``.
        tau: precision of the observations; see there.
        options: those of ``torch.nn.Conv2d``.

    Shapes: ``(N, C, H, W)`` to ``(N, C', H', W')``. ``state_dict``: ``weight``, ``bias`` and ``p_logit``, ``(1,)``.

    >>> ConcreteDropoutConv2d(3, 8, 3, p=0.2)
    ConcreteDropoutConv2d(p=0.2, 3, 8, kernel_size=(3, 3), stride=(1, 1))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        p: float | Tensor = 0.1,
        temperature: float = 0.1,
        length_scale: float = 1e-2,
        tau: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.equip(p, temperature, length_scale, tau)

    @classmethod
    def adopt(
        cls,
        module: nn.Module,
        p: float | Tensor = 0.1,
        *,
        temperature: float = 0.1,
        length_scale: float = 1e-2,
        tau: float = 1.0,
    ) -> Self:
        """The layer with the parameters of an ``nn.Conv2d``, which stay what they are.

        Raises:
            UserError: not exactly an ``nn.Conv2d``, or ``p`` outside [0, 1).
        """
        new = taken_over(cls, module, nn.Conv2d)
        new.equip(p, temperature, length_scale, tau)
        return new

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """``(N, C, H, W)`` to ``(N, C', H', W')``, or without ``N``."""
        check_images(input, "ConcreteDropoutConv2d")
        if input.ndim == 3:
            return self.forward(input[None])[0]
        if self.training:
            input = concrete_dropout(  # noqa: A001
                input, self.p_logit, temperature=self.temperature, shared=(2, 3), key=self._key(input)
            )
        return super().forward(input)


def check_images(x: Tensor, name: str) -> None:
    """Raise unless the input is floating point, ``(N, C, H, W)`` or one sample of it."""
    check_input(x, name)
    if x.ndim not in {3, 4}:
        raise RankError(f"{name} got {x.ndim} dimensions; (N, C, H, W) or (C, H, W) is wanted")
