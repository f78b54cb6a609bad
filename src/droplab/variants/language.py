"""What ``texts/*.json`` say of a kind, in a language. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from droplab.errors import UserError, suggest
from droplab.variants.table import TABLE

LANGUAGES = ("en", "ja")


def said(name: str, lang: str = "en") -> Mapping[str, str]:
    """A kind's texts: ``does`` and ``when``, and in other languages than English the row's own words too.

    Raises:
        UserError: no such kind, or no such language.

    >>> said("dropout2d")["does"]
    'Drops whole feature maps of an image.'
    """
    if name not in TABLE:
        raise UserError(f"no variant {name!r}{suggest(name, TABLE)} (there are {', '.join(TABLE)})")
    if lang not in LANGUAGES:
        raise UserError(f"no language {lang!r}; there are {', '.join(LANGUAGES)}")
    return _texts(lang)[name]


@cache
def _texts(lang: str) -> dict[str, dict[str, str]]:
    place = resources.files("droplab.variants") / "texts" / f"{lang}.json"
    found: dict[str, dict[str, str]] = json.loads(place.read_text(encoding="utf-8"))
    return found
