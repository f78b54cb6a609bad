"""Torch's own: standard, channel and alpha dropout."""

from __future__ import annotations

from droplab.testing.laws.oracle import Oracle, affine, scaled
from droplab.variants.catalog import CATALOG

ORACLES = (
    Oracle(CATALOG["dropout"], scaled, (16, 24)),
    Oracle(CATALOG["dropout1d"], scaled, (16, 8, 5), ranks=(2, 3), refuses=(1, 4)),
    Oracle(CATALOG["dropout2d"], scaled, (16, 8, 3, 2), ranks=(3, 4)),
    Oracle(CATALOG["dropout3d"], scaled, (16, 8, 2, 2, 2), ranks=(4, 5)),
    Oracle(CATALOG["alpha_dropout"], affine, (16, 24)),
    Oracle(CATALOG["feature_alpha_dropout"], affine, (16, 8, 5), ranks=(2, 3, 4, 5)),
)
