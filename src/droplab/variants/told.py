"""What a row of the catalog says to people, in a language: what it does, when to use it, and the row's own words."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import NamedTuple

from droplab.errors import UserError, suggest
from droplab.variants.catalog import CATALOG

LANGUAGES = ("en", "ja")


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


@cache
def _texts(lang: str) -> dict[str, dict[str, str]]:
    place = resources.files("droplab.variants") / "texts" / f"{lang}.json"
    found: dict[str, dict[str, str]] = json.loads(place.read_text(encoding="utf-8"))
    return found


def words(name: str, lang: str = "en") -> Words:
    """A row in a language.

    Raises:
        UserError: no such row, or no such language.

    >>> words("dropout2d").does
    'Drops whole feature maps of an image.'
    >>> words("dropout2d", "ja").shares
    'サンプルのチャネル'
    """
    if name not in CATALOG:
        raise UserError(f"no variant {name!r}{suggest(name, CATALOG)} (there are {', '.join(CATALOG)})")
    if lang not in LANGUAGES:
        raise UserError(f"no language {lang!r}; there are {', '.join(LANGUAGES)}")
    row = CATALOG[name]
    told = {"shares": row.shares, "eval_law": row.eval_law, "deviations": row.deviations, **_texts(lang)[name]}
    layer = getattr(row.layer, "__name__", str(row.layer))
    return Words(name, layer, equation=row.equation, paper=row.paper, has_parameters=row.has_parameters, **told)
