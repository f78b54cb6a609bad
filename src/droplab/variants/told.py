"""What a row of the catalog says to people, in a language: what it does, when to use it, and the row's own words."""

from __future__ import annotations

from typing import NamedTuple

from droplab.variants.catalog import CATALOG
from droplab.variants.language import said
from droplab.variants.table import TABLE


class Words(NamedTuple):
    """A row, told."""

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


def words(name: str, lang: str = "en") -> Words:
    """A row in a language.

    Raises:
        UserError: no such row, or no such language.

    >>> words("dropout2d").does
    'Drops whole feature maps of an image.'
    >>> words("dropout2d", "ja").shares
    'サンプルのチャネル'
    """
    texts = said(name, lang)
    row = CATALOG[name]
    told = {"shares": row.shares, "eval_law": row.eval_law, "deviations": row.deviations, **texts}
    layer = TABLE[name].layer
    return Words(name, layer, equation=row.equation, paper=row.paper, has_parameters=row.has_parameters, **told)
