"""Torch's own: standard, channel and alpha dropout."""

from __future__ import annotations

from droplab import nn
from droplab.nn.catalog.row import IN_TRAINING, MASKED, Variant, affine, scaled

_SRIVASTAVA = "Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014"
_TOMPSON = "Tompson et al., Efficient object localization using convolutional networks, CVPR 2015"
_KLAMBAUER = "Klambauer et al., Self-normalizing neural networks, NeurIPS 2017"
_AFFINE = "y = a (m x + (1 - m) α') + b, a = ((1 - p)(1 + p α'²))^(-1/2), b = -a p α'"

ROWS = (
    Variant("dropout", nn.Dropout, _SRIVASTAVA, MASKED, "nothing", scaled, (16, 24), deviations=IN_TRAINING),
    Variant(
        "dropout1d",
        nn.Dropout1d,
        _TOMPSON,
        MASKED,
        "the channel of a sample",
        scaled,
        (16, 8, 5),
        ranks=(2, 3),
        refuses=(1, 4),
        deviations=IN_TRAINING,
    ),
    Variant(
        "dropout2d",
        nn.Dropout2d,
        _TOMPSON,
        MASKED,
        "the channel of a sample",
        scaled,
        (16, 8, 3, 2),
        ranks=(3, 4),
        deviations="three dimensions are (N, C, L), with a warning, as in torch",
    ),
    Variant(
        "dropout3d",
        nn.Dropout3d,
        _TOMPSON,
        MASKED,
        "the channel of a sample",
        scaled,
        (16, 8, 2, 2, 2),
        ranks=(4, 5),
        deviations="channels of volumes, which the paper does not have",
    ),
    Variant(
        "alpha_dropout",
        nn.AlphaDropout,
        _KLAMBAUER,
        _AFFINE,
        "nothing",
        affine,
        (16, 24),
        deviations="p = 1 gives zeros, as in torch",
    ),
    Variant(
        "feature_alpha_dropout",
        nn.FeatureAlphaDropout,
        _KLAMBAUER,
        _AFFINE,
        "the channel of a sample",
        affine,
        (16, 8, 5),
        ranks=(2, 3, 4, 5),
        deviations="whole channels, which the paper does not have; p = 1 gives zeros",
    ),
)
