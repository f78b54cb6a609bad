"""The languages that droplab speaks, and its texts: a JSON file for each language in the room that says them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from droplab.errors import UserError, suggest

LANGUAGES = ("en", "ja")
"""Their codes; ``CODE.json`` holds the texts, with the same keys and placeholders in all."""
_WIDE_ENDS = ("。", "！", "？")
"""Ends of sentences that bring their own room."""


def check_language(lang: str) -> None:
    """Raise ``UserError`` for a language that droplab does not speak.

    >>> check_language("ja")
    """
    if lang not in LANGUAGES:
        raise UserError(f"no language {lang!r}; droplab speaks {' and '.join(LANGUAGES)}{suggest(lang, LANGUAGES)}")


def wanted_language(environ: Mapping[str, str]) -> str:
    """The language that the environment asks for: ``DROPLAB_LANG``, or what the system speaks, as ``LANG`` says it.

    A system that speaks a language that droplab does not gets English.

    Raises:
        UserError: ``DROPLAB_LANG`` is none of droplab's.

    >>> wanted_language({"LANG": "ja_JP.UTF-8"}), wanted_language({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"})
    ('ja', 'en')
    """
    named = environ.get("DROPLAB_LANG", "")
    if named:
        check_language(named)
        return named
    system = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environ.get(name))), "")
    code = system.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return code if code in LANGUAGES else LANGUAGES[0]


def in_a_row(sentences: Iterable[str]) -> str:
    """Sentences one after the other, without empty ones: a space between them, but after a 。, which has its own.

    >>> in_a_row(["Two runs failed.", "", "Keep the baseline."])
    'Two runs failed. Keep the baseline.'
    >>> in_a_row(["2 個のランが失敗しました。", "ベースラインのままにしてください。"])
    '2 個のランが失敗しました。ベースラインのままにしてください。'
    """
    row = ""
    for sentence in filter(None, sentences):
        row += sentence if not row or row.endswith(_WIDE_ENDS) else f" {sentence}"
    return row


@cache
def read_texts(package: str, folder: str, lang: str) -> dict[str, Any]:
    """The texts in ``FOLDER/LANG.json`` of a package, read once.

    Raises:
        UserError: another language.

    >>> read_texts("droplab.report", "locales", "en")["status.better"]
    'better'
    """
    check_language(lang)
    file = files(package).joinpath(folder, f"{lang}.json")
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


class Count(int):
    """A whole number that may name what it counts: ``{n:run|runs}`` is one run or several.

    >>> f"{Count(1):run|runs}, {Count(0):time|times}, {Count(1200):,}"
    '1 run, 0 times, 1,200'
    """

    def __format__(self, spec: str) -> str:
        one, several, many = spec.partition("|")
        if not several:
            return super().__format__(spec)
        return f"{int(self)} {one if self == 1 else many}"
