"""One row for each variant: what it does, which paper says so, and the laws that ``LayerContract`` holds it to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from droplab.nn.catalog import _standard, _structured, _weights
from droplab.nn.catalog.row import Variant, affine, scaled

__all__ = ["CATALOG", "Variant", "affine", "describe", "scaled"]

CATALOG: Mapping[str, Variant] = {row.name: row for family in (_standard, _structured, _weights) for row in family.ROWS}
"""Every variant by the name that specs use."""


def describe(name: str) -> dict[str, Any]:
    """The words of a row, for tables.

    >>> describe("dropout")["shares"]
    'nothing'
    """
    row = CATALOG[name]
    words = ("name", "paper", "equation", "shares", "eval_law", "learnable", "deviations")
    return {word: getattr(row, word) for word in words}
