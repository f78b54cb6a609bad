"""What is said of a kind to people, in a language: what it does, when to use it, and its row's own words."""

from __future__ import annotations

from typing import NamedTuple

from droplab.variants.catalog import CATALOG
from droplab.variants.language import said
from droplab.variants.table import TABLE


class Told(NamedTuple):
    """A kind, told."""

    name: str
    """In specs."""
    layer: str
    """The class, in ``droplab.nn``."""
    does: str
    when: str
    equation: str
    shares: str
    eval_law: str
    paper: str
    deviations: str
    has_parameters: bool


def told(name: str, lang: str = "en") -> Told:
    """A kind in a language.

    Raises:
        UserError: no such kind, or no such language.

    >>> told("dropout2d").does
    'Drops whole feature maps of an image.'
    >>> told("dropout2d", "ja").shares
    'サンプルのチャネル'
    """
    texts = said(name, lang)
    row = CATALOG[name]
    own = {"shares": row.shares, "eval_law": row.eval_law, "deviations": row.deviations, **texts}
    layer = TABLE[name].layer
    return Told(name, layer, equation=row.equation, paper=row.paper, has_parameters=row.has_parameters, **own)
