"""What ``texts/*.json`` say of a kind, in a language. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from droplab.errors import UserError, suggest
from droplab.languages import read_texts
from droplab.variants.table import TABLE


def said(name: str, lang: str = "en") -> Mapping[str, str]:
    """A kind's texts: ``does`` and ``when``; in other languages also the row's own words, and an ``equation`` of words.

    Among these is its ``equation``, where that has words.

    Raises:
        UserError: no such kind, or no such language.

    >>> said("dropout2d")["does"]
    'Drops whole feature maps of an image.'
    """
    if name not in TABLE:
        raise UserError(f"no kind {name!r}{suggest(name, TABLE)} (there are {', '.join(TABLE)})")
    return cast("dict[str, str]", read_texts("droplab.variants", "texts", lang)[name])
