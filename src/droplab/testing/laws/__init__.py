"""The laws that droplab's own kinds are held to: moments, eval, edges; nothing of this is loaded by the product."""

from __future__ import annotations

from collections.abc import Mapping

from droplab.testing.laws import learned, noise, standard, structured, tokens, units, weights
from droplab.testing.laws.oracle import Oracle
from droplab.variants.catalog import CATALOG

_FAMILIES = (standard, noise, structured, tokens, units, weights, learned)
_FOUND = {oracle.kind.name: oracle for family in _FAMILIES for oracle in family.ORACLES}

ORACLES: Mapping[str, Oracle] = {name: _FOUND[name] for name in CATALOG if name in _FOUND}
"""Every kind's, by its name, in the catalog's order."""
