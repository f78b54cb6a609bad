"""The languages of the report: one JSON file each, the same keys and placeholders in all."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from droplab.errors import UserError, suggest

LANGUAGES = ("en", "ja")
"""Codes of the languages; ``locales/CODE.json`` holds the texts."""


def check_language(lang: str) -> None:
    """Raise ``UserError`` for a language that droplab does not speak.

    >>> check_language("ja")
    """
    if lang not in LANGUAGES:
        raise UserError(f"no language {lang!r}; droplab speaks {' and '.join(LANGUAGES)}{suggest(lang, LANGUAGES)}")


@cache
def texts(lang: str) -> dict[str, str]:
    """All texts of a language by key."""
    check_language(lang)
    file = files("droplab.report").joinpath("locales", f"{lang}.json")
    loaded: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


class Speaker:
    """Says a text in one language.

    >>> Speaker("en")("status.better")
    'better'
    """

    def __init__(self, lang: str) -> None:
        self._texts = texts(lang)

    def knows(self, key: str) -> bool:
        """Whether there is a text for a key."""
        return key in self._texts

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key with its placeholders filled."""
        return self._texts[key].format(**values)
