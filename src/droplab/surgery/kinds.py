"""Which kind an arm wants at which site: a name of the catalog, with options, for all sites or by pattern."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from torch import nn

from droplab.layers.layer import DropLayer
from droplab.variants.asked import asked
from droplab.variants.catalog import CATALOG
from droplab.variants.kind import Kind
from droplab.variants.own import own_kind


class Chosen(NamedTuple):
    """A kind and its options."""

    kind: Kind
    options: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The kind's."""
        return self.kind.name

    @property
    def adopts(self) -> tuple[type[nn.Module], ...]:
        """Layers with weights that it takes the place of; none where it acts on activations."""
        return self.kind.adopts

    def make(self, p: float) -> DropLayer:
        """A layer that acts on activations."""
        return self.kind.layer(p=p, **self.options)

    def adopt(self, module: nn.Module, p: float) -> DropLayer:
        """A layer in the place of one with weights, with its parameters."""
        layer: Any = self.kind.layer
        adopted: DropLayer = layer.adopt(module, p, **self.options)
        return adopted


Kinds = tuple[tuple[str | None, Chosen], ...]
"""``(site pattern, kind)``, later ones winning; the pattern ``None`` is for all sites."""


def kinds(kind: str | type[DropLayer] | Mapping[str, Any] | None) -> Kinds:
    """What an arm's ``kind`` says, as ``asked`` reads it.

    Raises:
        SpecError: an unknown name or option, or options that do not hold; all problems at once.

    >>> [(pattern, kind.name) for pattern, kind in kinds({"fc1:in": {"name": "alpha_dropout"}, "drop*": "dropout"})]
    [('fc1:in', 'alpha_dropout'), ('drop*', 'dropout')]
    """
    return tuple((one.pattern, Chosen(CATALOG.get(one.name) or own_kind(one.name), one.options)) for one in asked(kind))


def chosen_at(found: Kinds, site: str) -> Chosen | None:
    """The kind that a site is given; patterns as in ``sites``: one without a colon names no doorway.

    >>> chosen_at(kinds("dropout"), "fc1:in").name
    'dropout'
    """
    chosen: Chosen | None = None
    for pattern, kind in found:
        if pattern is None or ((":" in site) == (":" in pattern) and fnmatchcase(site, pattern)):
            chosen = kind
    return chosen
