"""The laws that droplab's own kinds are held to: moments, eval, edges; nothing of this is loaded by the product."""

from __future__ import annotations

from collections.abc import Mapping

from droplab.testing.laws import learned, noise, standard, structured, tokens, units, weights
from droplab.testing.laws.oracle import Oracle

_FAMILIES = (standard, noise, structured, tokens, units, weights, learned)

ORACLES: Mapping[str, Oracle] = {oracle.kind.name: oracle for family in _FAMILIES for oracle in family.ORACLES}
"""Every kind's, by its name."""
