"""One row for each variant: what it does, which paper says so, and the laws that ``LayerContract`` holds it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from droplab import nn
from droplab.kernels.job import ALPHA
from droplab.nn.layer import DropLayer

Moments = Callable[[Tensor, float], tuple[Tensor, Tensor]]
"""From an input and ``p`` to the mean and the variance of each element of the output in training."""


@dataclass(frozen=True)
class Variant:
    """A row of the catalog."""

    name: str
    """In specs: ``layer = "dropout2d"``."""
    layer: Callable[..., DropLayer]
    """The class; called with ``p`` alone it has the variant's defaults."""
    paper: str
    """First author or authors, title, place and year."""
    equation: str
    """The output in training."""
    shares: str
    """What one draw decides about."""
    moments: Moments
    """Mean and variance in training."""
    shape: tuple[int, ...]
    """An input that it takes, samples first; enough units that two masks differ."""
    ranks: tuple[int, ...] | None = None
    """Numbers of dimensions that it takes; any where ``None``."""
    refuses: tuple[int, ...] = ()
    """Numbers of dimensions that raise ``RankError``."""
    eval_law: str = "identity"
    """The output in eval mode."""
    learnable: bool = False
    """Whether it has parameters."""
    takes_one: bool = True
    """Whether ``p = 1`` is taken, and gives zeros; where not, it raises."""
    deviations: str = ""
    """From the paper."""


def scaled(x: Tensor, p: float) -> tuple[Tensor, Tensor]:
    """Moments of ``x m / (1 - p)`` with ``m`` 0 with probability ``p``, else 1; of ``x (1 + ε √(p/(1-p)))`` too.

    >>> import torch
    >>> scaled(torch.tensor(2.0), 0.5)
    (tensor(2.), tensor(4.))
    """
    return x, x.square() * (p / (1 - p))


def affine(x: Tensor, p: float) -> tuple[Tensor, Tensor]:
    """Moments of alpha dropout: kept elements ``a x + b``, dropped ones ``-a α + b``.

    >>> import torch
    >>> mean, variance = affine(torch.randn(100_000, generator=torch.Generator().manual_seed(0)), 0.5)
    >>> print(f"{mean.mean():.1f} {mean.var() + variance.mean():.1f}")  # those of its input
    -0.0 1.0
    """
    a = ((ALPHA * ALPHA * p + 1) * (1 - p)) ** -0.5
    return a * ((1 - p) * x - p * ALPHA) + ALPHA * a * p, (a * (x + ALPHA)).square() * (p * (1 - p))


_SRIVASTAVA = "Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014"
_TOMPSON = "Tompson et al., Efficient object localization using convolutional networks, CVPR 2015"
_KLAMBAUER = "Klambauer et al., Self-normalizing neural networks, NeurIPS 2017"
_IN_TRAINING = "scaled in training, not at test time"
_MASKED = "y = x m / (1 - p), m = 0 with probability p, else 1"
_AFFINE = "y = a (m x + (1 - m) α') + b, a = ((1 - p)(1 + p α'²))^(-1/2), b = -a p α'"

_ROWS = (
    Variant("dropout", nn.Dropout, _SRIVASTAVA, _MASKED, "nothing", scaled, (16, 24), deviations=_IN_TRAINING),
    Variant(
        "dropout1d", nn.Dropout1d, _TOMPSON, _MASKED, "the channel of a sample", scaled, (16, 8, 5), (2, 3), (1, 4),
        deviations=_IN_TRAINING,
    ),
    Variant(
        "dropout2d", nn.Dropout2d, _TOMPSON, _MASKED, "the channel of a sample", scaled, (16, 8, 3, 2), (3, 4),
        deviations="three dimensions are (N, C, L), with a warning, as in torch",
    ),
    Variant(
        "dropout3d", nn.Dropout3d, _TOMPSON, _MASKED, "the channel of a sample", scaled, (16, 8, 2, 2, 2), (4, 5),
        deviations="channels of volumes, which the paper does not have",
    ),
    Variant("alpha_dropout", nn.AlphaDropout, _KLAMBAUER, _AFFINE, "nothing", affine, (16, 24),
            deviations="p = 1 gives zeros, as in torch"),
    Variant(
        "feature_alpha_dropout", nn.FeatureAlphaDropout, _KLAMBAUER, _AFFINE, "the channel of a sample", affine,
        (16, 8, 5), (2, 3, 4, 5), deviations="whole channels, which the paper does not have; p = 1 gives zeros",
    ),
    Variant(
        "locked_dropout", nn.LockedDropout,
        "Gal and Ghahramani, A theoretically grounded application of dropout in recurrent neural networks, "
        "NeurIPS 2016",
        _MASKED, "a unit of a sample at all time steps", scaled, (16, 5, 8), (3,), (2, 4), deviations=_IN_TRAINING,
    ),
    Variant(
        "drop_path", nn.DropPath, "Huang et al., Deep networks with stochastic depth, ECCV 2016", _MASKED,
        "a sample (or, in batch mode, the batch)", scaled, (24, 3, 2), refuses=(0,),
        deviations="one draw for each sample unless mode is 'batch'; " + _IN_TRAINING,
    ),
    Variant(
        "drop_head", nn.DropHead, "Zhou et al., Scheduled DropHead, Findings of EMNLP 2020", _MASKED,
        "the attention head of a sample", scaled, (16, 8, 3, 2), (4,), (3, 5),
        deviations="scaled by 1 / (1 - p), not by heads over heads kept; no schedule of its own",
    ),
)  # fmt: skip

CATALOG: Mapping[str, Variant] = {row.name: row for row in _ROWS}
"""Every variant by the name that specs use."""


def describe(name: str) -> dict[str, Any]:
    """The words of a row, for tables.

    >>> describe("dropout")["shares"]
    'nothing'
    """
    row = CATALOG[name]
    words = ("name", "paper", "equation", "shares", "eval_law", "learnable", "deviations")
    return {word: getattr(row, word) for word in words}
