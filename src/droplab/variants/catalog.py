"""The catalog: every kind of dropout, by the name that specs use."""

from __future__ import annotations

from collections.abc import Mapping

from droplab.variants import (
    alpha,
    attention,
    channels,
    concrete,
    drop_block,
    drop_connect,
    dropout,
    embedding,
    gaussian,
    heads,
    layer_drop,
    locked,
    path,
    sparse_variational,
    standout,
    tokens,
    unit_mlp,
    units,
    variational,
    weight_drop,
    zoneout,
)  # fmt: skip
from droplab.variants.kind import Kind

_FAMILIES = (
    dropout,
    channels,
    alpha,
    gaussian,
    locked,
    path,
    heads,
    drop_block,
    tokens,
    embedding,
    layer_drop,
    attention,
    units,
    unit_mlp,
    drop_connect,
    weight_drop,
    zoneout,
    standout,
    concrete,
    variational,
    sparse_variational,
)

CATALOG: Mapping[str, Kind] = {kind.name: kind for family in _FAMILIES for kind in family.KINDS}
"""Every kind by its name."""
