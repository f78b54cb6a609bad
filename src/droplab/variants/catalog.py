"""The catalog: every kind of dropout, by the name that specs use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from droplab.variants.kind import Kind
from droplab.variants.table import TABLE

_HOMES = dict.fromkeys(row.home for row in TABLE.values())

CATALOG: Mapping[str, Kind] = {kind.name: kind for home in _HOMES for kind in import_module(home).KINDS}
"""Every kind by its name."""
