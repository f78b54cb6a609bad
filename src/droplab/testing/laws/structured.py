"""What drops time steps, branches, heads and regions as wholes."""

from __future__ import annotations

from droplab.testing.laws.oracle import Oracle, scaled
from droplab.variants.catalog import CATALOG

ORACLES = (
    Oracle(CATALOG["locked_dropout"], scaled, (16, 5, 8), ranks=(3,), refuses=(2, 4)),
    Oracle(CATALOG["drop_path"], scaled, (24, 3, 2), refuses=(0,)),
    Oracle(CATALOG["drop_head"], scaled, (16, 8, 3, 2), ranks=(4,), refuses=(3, 5)),
    Oracle(CATALOG["drop_block2d"], scaled, (12, 2, 5, 4), ranks=(4,), refuses=(3, 5)),
    Oracle(CATALOG["drop_block3d"], scaled, (12, 2, 3, 4, 2), ranks=(5,), refuses=(4, 6)),
)
