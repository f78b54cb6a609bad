"""What other rooms say in English, in another language: errors, reasons of failed runs, lines of progress.

An exception keeps its English text, wherever it is raised, kept in a ledger or sent between processes. Here the text is
found again among all that droplab says: ``locales/said/CODE.json`` pairs each, as it stands in the source with its
fields numbered, with its translation. A test holds the table to the source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_FIELD = re.compile(r"\{(\d+)\}")
_BULLET = re.compile(r"(\s*(?:[-!] )?)(.*)", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z`'\"—])")
_DEEP = 6
"""Texts within texts."""


class _Pair(NamedTuple):
    parts: tuple[str, ...]
    """What stands between the fields."""
    pattern: str
    other: str
    """The translation, with its fields."""


def translate(text: str, lang: str) -> str:
    """A text of droplab's in a language; what is not droplab's stays as it is.

    Args:
        text: English, with names and numbers in it.
        lang: the language.

    >>> translate("no language 'fr'; droplab speaks en and ja", "ja")
    "'fr' という言語はありません。droplab が話すのは en and ja です"
    """
    return text if lang == "en" else _deep(text, lang, _DEEP)


def pairs(lang: str) -> Mapping[str, str]:
    """The table of a language: English to its own."""
    return _table(lang)


@cache
def _table(lang: str) -> dict[str, str]:
    file = files("droplab.cli").joinpath("locales", "said", f"{lang}.json")
    rooms: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return {english: other for room in rooms.values() for english, other in room.items()}


@cache
def _ordered(lang: str) -> tuple[_Pair, ...]:
    """Those first that say most by themselves."""
    found = []
    for english, other in _table(lang).items():
        parts = _FIELD.split(english)
        pattern = ""
        for place, part in enumerate(parts):
            if place % 2:  # of two fields side by side the first has the text of both
                pattern += f"(?P<_{part}>{'.*?' if place == 1 or parts[place - 1] else ''})"
            else:
                pattern += re.escape(part)
        found.append(_Pair(tuple(part for part in parts[::2] if part), pattern, other))
    return tuple(sorted(found, key=lambda pair: -sum(map(len, pair.parts))))


def _deep(text: str, lang: str, deep: int) -> str:
    if not deep or not any(map(str.isalpha, text)):
        return text
    whole = _whole(text, lang, deep)
    return whole if whole is not None else _in_parts(text, lang, deep)


def _in_parts(text: str, lang: str, deep: int) -> str:
    if "\n" in text:
        return "\n".join(_deep(line, lang, deep) for line in text.split("\n"))
    bullet, rest = _match(_BULLET, text)
    if bullet:
        return bullet + _deep(rest, lang, deep)
    for cut in (": ", "; ", " ("):  # a path, a name or a run before what is said of it
        for found in re.finditer(re.escape(cut), text):
            head, tail = text[: found.start()], text[found.end() :]
            said = _whole(tail, lang, deep)
            if said is not None:
                return f"{_deep(head, lang, deep - 1)}{cut}{said}"
    sentences = _SENTENCE.split(text)
    if len(sentences) > 1:
        return " ".join(_deep(sentence, lang, deep - 1) for sentence in sentences)
    return text


def _match(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    found = pattern.fullmatch(text)
    assert found is not None
    return found[1], found[2]


def _whole(text: str, lang: str, deep: int) -> str | None:
    """A text that is one of the table; ``None`` where it is not."""
    for pair in _ordered(lang):
        if all(part in text for part in pair.parts) and (found := re.fullmatch(pair.pattern, text, re.DOTALL)):
            return _filled(pair.other, {name: _deep(text, lang, deep - 1) for name, text in found.groupdict().items()})
    return None


def _filled(template: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda field: fields[f"_{field[1]}"], template)
