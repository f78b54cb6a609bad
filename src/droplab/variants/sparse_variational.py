"""Sparse variational dropout: weights that drown in their own noise are pruned."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from droplab.layers.learned import LearnedRate
from droplab.masks.checking import check_images, check_input
from droplab.masks.noise import uncast, widened
from droplab.variants.kind import Kind
from droplab.variants.options import Number
from droplab.variants.variational import reparameterised, variational_linear

__all__ = ["SparseVariationalConv2d", "SparseVariationalLinear", "kl_log_uniform"]

_LOG = Number("log_sigma2")
SIGMOID = (0.63576, 1.87320, 1.48695)
"""``k1, k2, k3`` of Molchanov, Ashukha and Vetrov 2017."""


def kl_log_uniform(log_alpha: Tensor) -> Tensor:
    """What Gaussian noise of variance ``α w²`` on a weight ``w`` costs, in nats, for each element of ``log α``.

    ::

        KL(N(w, α w²) ‖ log-uniform) ≈ k1 (1 - σ(k2 + k3 log α)) + log(1 + 1/α) / 2

    Molchanov, Ashukha and Vetrov, *Variational dropout sparsifies deep neural networks*, ICML 2017, equation 14,
    with ``k1, k2, k3 = 0.63576, 1.87320, 1.48695``. It falls to 0 as α grows.

    >>> kl_log_uniform(torch.tensor([-2.0, 0.0, 3.0]))
    tensor([1.5405, 0.4312, 0.0254])
    """
    k1, k2, k3 = SIGMOID
    return k1 * torch.sigmoid(-(k2 + k3 * log_alpha)) + 0.5 * F.softplus(-log_alpha)


class _Sparse(LearnedRate):
    """What both layers have: ``log_sigma2``, the threshold, and pruning."""

    learned = "log_sigma2"
    weight: Tensor

    def equip(self, p: float | Tensor = 0.05, *, log_sigma2: float | None = None, threshold: float = 3.0) -> None:
        """The rates, or one ``log σ²`` for all, and from where on a weight is pruned."""
        self.threshold = threshold
        self.log_sigma2 = nn.Parameter(torch.zeros_like(self.weight))
        self.p = p
        if log_sigma2 is not None:
            _LOG.check(log_sigma2, type(self).__name__)
            with torch.no_grad():
                self.log_sigma2.fill_(log_sigma2)

    def _log_weight2(self) -> Tensor:
        weight = widened(self.weight)
        return weight.square().clamp_min(torch.finfo(weight.dtype).tiny).log()

    def log_alpha(self) -> Tensor:
        """``log σ² - log w²`` of each weight: how loud its noise is."""
        return self.log_sigma2 - self._log_weight2()

    def _log_odds(self) -> Tensor:
        return self.log_alpha()

    def _set_log_odds(self, value: float) -> None:
        self.log_sigma2.copy_(self._log_weight2() + value)

    def penalty(self) -> Tensor:
        """The KL term of all weights, in nats; see ``droplab.functional.kl_log_uniform``."""
        return kl_log_uniform(self.log_alpha()).sum()

    def pruned(self) -> Tensor:
        """The weights of eval mode: the means, and 0 where ``log α`` is the threshold or more."""
        return torch.where(self.log_alpha() < self.threshold, self.weight, 0.0)

    @torch.no_grad()
    def prune(self) -> int:
        """Set the weights that eval mode leaves out to 0, for good; how many are left.

        Outputs in eval mode stay what they are.
        """
        self.weight.copy_(self.pruned())
        return int(self.weight.count_nonzero())

    @torch.no_grad()
    def sparsity(self) -> float:
        """The share of weights that eval mode leaves out, in [0, 1]."""
        return 1 - int(self.pruned().count_nonzero()) / self.weight.numel()

    def compression(self) -> float:
        """All weights over those that are left (biases not counted, as in the paper); infinite where none is."""
        left = 1 - self.sparsity()
        return 1 / left if left else float("inf")


class SparseVariationalLinear(_Sparse, nn.Linear):
    """A linear layer with learned Gaussian noise ``N(w, σ²)`` on each weight in training; pruned means in eval.

    ``y = x Wᵀ + b + ε √(x² (σ²)ᵀ)``, ``ε ~ N(0, 1)`` for each sample and output. In eval, weights whose
    ``log α = log σ² - log w²`` is 3 or more (``p`` above 0.95) are 0. Molchanov, Ashukha and Vetrov, *Variational
    dropout sparsifies deep neural networks*, ICML 2017. Deviation: ``log α`` is not clipped, since the penalty's form
    needs no clip.

    Add ``droplab.nn.penalty(model) / len(training_set)`` to the mean loss, from 0 to its full size over the first
    epochs where training starts from random weights: else all weights may drown before they have learned.

    Args:
        in_features, out_features, bias, device, dtype: as for ``torch.nn.Linear``.
        p: the rate of every weight to begin with, in [0, 1): ``σ² = w² p / (1 - p)``.
        log_sigma2: one ``log σ²`` for all in place of ``p`` (the authors' code: -10).
        threshold: of ``log α``; the paper's 3.

    Shapes: ``(N, *, in)`` to ``(N, *, out)``. ``state_dict``: ``weight``, ``bias`` and ``log_sigma2``, ``(out, in)``.

    >>> layer = SparseVariationalLinear(8, 4, p=0.2)
    >>> layer, layer.sparsity()
    (SparseVariationalLinear(p=0.2, in_features=8, out_features=4, bias=True), 0.0)
    >>> layer.p = 0.99
    >>> layer.sparsity(), layer.prune()
    (1.0, 0)
    """

    twin = nn.Linear

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, p: float | Tensor = 0.05,
        log_sigma2: float | None = None, threshold: float = 3.0, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(in_features, out_features, bias, device, dtype)
        self.equip(p, log_sigma2=log_sigma2, threshold=threshold)

    def forward(self, input: Tensor) -> Tensor:
        """``(N, *, in)`` to ``(N, *, out)``."""
        check_input(input, "SparseVariationalLinear")
        if not self.training:
            return nn.functional.linear(input, self.pruned(), self.bias)
        return variational_linear(input, self.weight, widened(self.log_sigma2).exp(), self.bias, key=self._key(input))


class SparseVariationalConv2d(_Sparse, nn.Conv2d):
    """A 2d convolution with learned Gaussian noise on each weight in training; pruned means in eval.

    ``y = x * W + b + ε √(x² * σ²)``; one ``ε`` for each sample and output element. See ``SparseVariationalLinear``.

    Args:
        in_channels, out_channels, kernel_size: as for ``torch.nn.Conv2d``.
        p: the rate of every weight to begin with, in [0, 1).
        log_sigma2: one ``log σ²`` for all in place of ``p``.
        threshold: of ``log α``.
        options: those of ``torch.nn.Conv2d``.

    Shapes: ``(N, C, H, W)`` to ``(N, C', H', W')``. ``state_dict``: ``weight``, ``bias`` and ``log_sigma2`` of the
    weight's shape.

    >>> SparseVariationalConv2d.adopt(nn.Conv2d(3, 8, 3), 0.2)
    SparseVariationalConv2d(p=0.2, 3, 8, kernel_size=(3, 3), stride=(1, 1))
    """

    twin = nn.Conv2d

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int | tuple[int, int], *, p: float | Tensor = 0.05,
        log_sigma2: float | None = None, threshold: float = 3.0, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.equip(p, log_sigma2=log_sigma2, threshold=threshold)

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C', H', W')``, or without ``N``."""
        check_images(input, "SparseVariationalConv2d")
        if input.ndim == 3:
            return self.forward(input[None])[0]
        if not self.training:
            means: Tensor = self._conv_forward(input, self.pruned(), self.bias)
            return means
        with uncast(input):
            noise = self._conv_forward(widened(input).square(), widened(self.log_sigma2).exp(), None)
        return reparameterised(self._conv_forward(input, self.weight, self.bias), noise, key=self._key(input))


_MOLCHANOV = "Molchanov, Ashukha and Vetrov, Variational dropout sparsifies deep neural networks, ICML 2017"
_PRUNED = " without the weights of log α ≥ 3"
_DEVIATIONS = "log α is not clipped; begins at one rate p for all weights unless log σ² is given; p = 1 raises"
KINDS = (
    Kind(
        "sparse_variational_linear", SparseVariationalLinear, _MOLCHANOV,
        "y = x Wᵀ + b + ε √(x² (σ²)ᵀ), ε ~ N(0, 1); p = α / (1 + α), α = σ² / w²", "nothing",
        eval_law="y = x Wᵀ + b" + _PRUNED, has_parameters=True, limits=(_LOG,),
        example="droplab.nn.SparseVariationalLinear(24, 6, p=0.1)", deviations=_DEVIATIONS,
    ),
    Kind(
        "sparse_variational_conv2d", SparseVariationalConv2d, _MOLCHANOV,
        "y = x * W + b + ε √(x² * σ²), ε ~ N(0, 1); p = α / (1 + α), α = σ² / w²", "nothing",
        eval_law="y = x * W + b" + _PRUNED, has_parameters=True, limits=(_LOG,),
        example="droplab.nn.SparseVariationalConv2d(4, 3, 3, p=0.1)", deviations=_DEVIATIONS,
        site="conv2",
    ),
)  # fmt: skip
