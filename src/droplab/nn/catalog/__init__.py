"""One row for each variant: what it does, which paper says so, and the laws that ``LayerContract`` holds it to."""

from __future__ import annotations

from collections.abc import Mapping

from droplab.nn.catalog import _learned, _noise, _standard, _structured, _tokens, _units, _weights
from droplab.nn.catalog.row import Variant, affine, scaled

__all__ = ["CATALOG", "Variant", "affine", "scaled"]

_FAMILIES = (
    _standard,
    _noise,
    _structured,
    _tokens,
    _units,
    _weights,
    _learned,
)

CATALOG: Mapping[str, Variant] = {row.name: row for family in _FAMILIES for row in family.ROWS}
"""Every variant by the name that specs use."""
